#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static sem_t locked;
static sem_t finished;

/* Holds the lock of stdout until it is told that all is over. */
static void *hold_the_lock(void *nothing)
{
    flockfile(stdout);
    sem_post(&locked);
    sem_wait(&finished);
    funlockfile(stdout);
    return nothing;
}

/* Forks a child that prints a line, and returns what waitpid says of the child. When `busy` is set,
 * another thread holds the lock of stdout at the moment of the fork. */
int print_in_a_child(int busy)
{
    pthread_t thread;
    pid_t child;
    int status = -1;

    sem_init(&locked, 0, 0);
    sem_init(&finished, 0, 0);
    if (busy) {
        if (pthread_create(&thread, NULL, hold_the_lock, NULL) != 0)
            return -1;
        sem_wait(&locked);
    }
    child = fork();
    if (child == 0) {
        puts("a line from the child");
        fflush(stdout);
        _exit(0);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    if (busy) {
        sem_post(&finished);
        pthread_join(thread, NULL);
    }
    return status;
}

//! `execvp` of a text file that does not say which program is to read it: glibc hands it to
//! `/bin/sh`, musl fails with ENOEXEC (`Exec format error`) as the kernel does. The first line
//! `#!/bin/sh` makes it work on both sides, and so does naming the shell.

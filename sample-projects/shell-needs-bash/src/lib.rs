//! Alpine has no bash, only BusyBox's shell. A script that begins with `#!/bin/bash` cannot be
//! started there, and the system reports it as if the script itself did not exist (`No such file or
//! directory`); `bash -c` fails in the same words. This is Alpine's userland and not musl: `apk add
//! bash` mends it, or a script in the common language of the shells, which the third test runs.

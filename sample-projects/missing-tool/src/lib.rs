//! Tests that call the system's tools meet another userland on Alpine: perl is part of every Debian
//! and of no Alpine base, and where both have a tool, BusyBox's knows fewer options (`date` takes no
//! `+3 days`, `find` no `-printf`). None of this is musl's doing, and all of it goes away with
//! packages: `apk add perl coreutils findutils`.

# shellcheck shell=bash
# What the steps share: tools, whose root this is, Debian's mirrors, being in a chroot with a network.
# Takes: nothing; it is sourced. Gives: functions. A message that begins with `hint: ` in a step's log is shown by `make`.

note() { printf '%s\n' "$*" >&2; }

give_up() {
    note "error: $1"
    note "hint: $2"
    exit 3
}

machine=$(uname -m)
case $machine in
    x86_64) debian_arch=amd64 ;;
    aarch64) debian_arch=arm64 ;;
    *) give_up "there is no recipe for $machine" "use an x86_64 or aarch64 machine" ;;
esac
export machine debian_arch

export debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# An ordinary user's shell often leaves these out, and here such a user is root.
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# tools_of STEP: what it needs that not every machine has, each line a command or file, and its package on Debian.
tools_of() {
    case $1 in
        debian-base | musl-parts) printf '%s\n' "debootstrap debootstrap" "gpgv gpgv" "$debian_keyring debian-archive-keyring" ;;
        alpine-root) printf '%s\n' "python3 python3" "pip python3-pip" "qemu-img qemu-utils" "debugfs e2fsprogs" ;;
    esac
}

is_there() {
    case $1 in
        /*) [ -e "$1" ] ;;
        # Of the very Python that is called.
        pip) python3 -m pip --version >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# need_tools STEP...: installs what is missing for these steps; says all of it at once where that cannot be done.
need_tools() {
    local step tool package missing=() packages=()
    while read -r tool package; do
        is_there "$tool" && continue
        missing+=("$tool")
        packages+=("$package")
    done < <(for step in "$@"; do tools_of "$step"; done | sort -u)
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        give_up "missing: ${missing[*]}" "install it by this machine's own means (Debian's packages: ${packages[*]})"
    # Root of a user namespace may not.
    [ -w /var/lib/dpkg ] ||
        give_up "missing: ${missing[*]}" "as root: apt-get install --no-install-recommends ${packages[*]}; then run this again"
    note "installing ${packages[*]}"
    apt_install "${packages[@]}" && return
    apt-get update -qq >/dev/null || true
    apt_install "${packages[@]}" || give_up "not installed: ${packages[*]}" "see that 'apt-get update' works, then run it again"
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

# In a user namespace root is not the machine's: whose ids its ids are. Says nothing where they are the machine's own.
mapped_ids() {
    local inside outside count
    read -r inside outside count </proc/self/uid_map
    [ "$inside $outside $count" = "0 0 4294967295" ] || cat /proc/self/uid_map /proc/self/gid_map
}

# Address of the host's own mirror: host_mirror Debian|Debian-Security.
host_mirror() {
    command -v apt-get >/dev/null || return 0
    # shellcheck disable=SC2016 # apt expands these
    apt-get indextargets --format '$(CREATED_BY) $(LABEL) $(ORIGIN) $(REPO_URI)' 2>/dev/null |
        awk -v label="$1" '$1 == "Packages" && $2 == label && $3 == "Debian" { print $4; exit }' | sed 's,/*$,,'
}

debian_mirror() {
    local mirror=${LIBCMATRIX_DEBIAN_MIRROR:-}
    [ -n "$mirror" ] || mirror=$(host_mirror Debian)
    # debootstrap knows the public one.
    [ -n "$mirror" ] || mirror=$(sed -n 's/^DEF_MIRROR="\(.*\)"/\1/p' "$(command -v debootstrap)")
    [ -n "$mirror" ] || give_up "no Debian mirror is known" "export LIBCMATRIX_DEBIAN_MIRROR with its address"
    echo "$mirror"
}

security_mirror() {
    local mirror=${LIBCMATRIX_DEBIAN_SECURITY_MIRROR:-}
    [ -n "$mirror" ] || mirror=$(host_mirror Debian-Security)
    if [ -z "$mirror" ]; then
        mirror=$(debian_mirror)
        mirror=${mirror%/debian}/debian-security
    fi
    echo "$mirror"
}

# sources RELEASE [OPTIONS]: lines for sources.list.
sources() {
    local mirror security suite
    mirror=$(debian_mirror)
    security=$(security_mirror)
    for suite in "$1" "$1-updates"; do echo "deb ${2:+[$2] }$mirror $suite main"; done
    echo "deb ${2:+[$2] }$security $1-security main"
}

# The host's trust store, for mirrors behind a company's proxy.
trust_store() {
    local path
    for path in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -n "$path" ] && [ -f "$path" ]; then
            echo "$path"
            return
        fi
    done
}

# open_chroot ROOT: mounts and files that packages and the network need. The mounts are in the namespace of the
# step and end with it; close_chroot takes the files away.
open_chroot() {
    local root=$1 store
    mount --rbind --make-rslave /dev "$root/dev" && mount -t proc proc "$root/proc"
    if [ ! -e "$root/.libcmatrix-build" ]; then
        mkdir -p "$root/.libcmatrix-build"
        cp -a "$root/etc/resolv.conf" "$root/.libcmatrix-build/" 2>/dev/null || true
    fi
    rm -f "$root/etc/resolv.conf"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    store=$(trust_store)
    [ -z "$store" ] || cp -L "$store" "$root/.libcmatrix-build/trust-store.crt"
    if [ -d "$root/etc/apt/apt.conf.d" ]; then
        {
            apt-config dump 2>/dev/null | grep -iE '^Acquire::https?::Proxy(::| )' || true
            echo 'Acquire::https::CaInfo "/.libcmatrix-build/trust-store.crt";'
            echo 'APT::Install-Recommends "false";'
            echo 'Acquire::Retries "3";'
            echo 'Dpkg::Use-Pty "0";'
        } >"$root/etc/apt/apt.conf.d/zz-libcmatrix-build"
    fi
    [ ! -d "$root/etc/dpkg/dpkg.cfg.d" ] || echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/zz-libcmatrix-build"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

close_chroot() {
    local root=$1
    rm -f "$root/etc/resolv.conf" "$root/etc/apt/apt.conf.d/zz-libcmatrix-build" "$root/etc/dpkg/dpkg.cfg.d/zz-libcmatrix-build" \
        "$root/usr/sbin/policy-rc.d"
    mv "$root/.libcmatrix-build/resolv.conf" "$root/etc/resolv.conf" 2>/dev/null || true
    umount -l "$root/proc" && umount -l "$root/dev"
    rm -rf "$root/.libcmatrix-build"
}

# in_chroot ROOT COMMAND...: a clean environment, but the host's proxy.
in_chroot() {
    local root=$1
    shift
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
        SSL_CERT_FILE=/.libcmatrix-build/trust-store.crt CARGO_HTTP_CAINFO=/.libcmatrix-build/trust-store.crt \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} ${no_proxy:+"no_proxy=$no_proxy"} \
        chroot "$root" "$@"
}

# with_packages ROOT COMMAND...: in_chroot where apt keeps what it downloads in the cache of the recipe.
with_packages() {
    local root=$1 code=0
    mkdir -p "$LIBCMATRIX_DOWNLOADS/packages/partial"
    mount --bind "$LIBCMATRIX_DOWNLOADS/packages" "$root/var/cache/apt/archives"
    in_chroot "$@" || code=$?
    umount "$root/var/cache/apt/archives"
    return "$code"
}

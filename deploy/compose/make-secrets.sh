#!/bin/sh
# Make the secrets that compose.yaml reads, unless there are some.
# Only the owner may enter the folder. Inside it, containers' users, who own nothing here, may read the files.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -m 0700 secrets  # fails where there are some
openssl rand -hex 24 > secrets/database_password
openssl rand -base64 18 > secrets/admin_password
printf 'postgres://keyhouse:%s@database/keyhouse\n' "$(cat secrets/database_password)" > secrets/database_url

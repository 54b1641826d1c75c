#!/usr/bin/env python3
"""The official image's `healthcheck.sh`: whether the server takes connections (`--connect`) and InnoDB
is up (`--innodb_initialized`). It asks by TCP, where nobody answers while the data are being made."""

import sys

sys.path.insert(0, "/usr/local/lib/aftershock")
import pymysql

ACCOUNT = "/var/lib/mysql/.my-healthcheck.cnf"
CHECKS = {
    "--connect": "SELECT 1",
    "--innodb_initialized": "SELECT 1 FROM information_schema.ENGINES "
    "WHERE engine = 'InnoDB' AND support IN ('YES', 'DEFAULT')",
}


def main() -> None:
    """End with 0 if all is well."""
    wanted = sys.argv[1:]
    unknown = [name for name in wanted if name not in CHECKS]
    if unknown or not wanted:
        sys.exit(f"healthcheck.sh: {' '.join(unknown) or 'nothing'}: there are {', '.join(CHECKS)}")
    try:
        with (
            pymysql.connect(
                host="127.0.0.1", read_default_file=ACCOUNT, connect_timeout=3
            ) as session,
            session.cursor() as cursor,
        ):
            for name in wanted:
                if not cursor.execute(CHECKS[name]):
                    sys.exit(f"healthcheck.sh: {name} failed")
    except pymysql.Error as error:
        sys.exit(f"healthcheck.sh: {error.args[-1]}")


if __name__ == "__main__":
    main()

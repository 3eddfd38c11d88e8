#!/usr/bin/python
"""Initialise MySQL's data directory where there is none."""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: mysql_datadir
short_description: Initialise a data directory of MySQL where there is none
description:
  - Initialises beside the final place and renames at the end, so that a data directory is either whole or
    absent; what an
    interrupted run left beside it never held a row and is made anew. A folder that holds anything else is
    never touched.
  - The files of a data directory that is there are given to the server's user, should its number have changed.
  - root may log in through the socket only, from the first start on.
options:
  path:
    description: The data directory.
    type: path
    required: true
  config_file:
    description: The server's option file; its settings are in force while the directory is made.
    type: path
    required: true
author: [Inventario]
"""

EXAMPLES = r"""
- name: Initialise the data directory
  mysql_datadir:
    path: /var/lib/mysql/data
    config_file: /etc/mysql/my.cnf
"""

RETURN = r"""
"""

SOCKET_ONLY = (
    "UPDATE mysql.user SET plugin='auth_socket', authentication_string='', password_expired='N' "
    "WHERE user='root' AND host='localhost';\n"
)


def take_over(path: pathlib.Path, check_mode: bool) -> bool:
    """Give the files to the server's user of today: another image may know it by another number."""
    try:
        user = pwd.getpwnam("mysql")
    except KeyError:
        # in check mode on a host without the packages
        return False
    if path.stat().st_uid == user.pw_uid:
        return False
    if not check_mode:
        # the folder itself comes last: an interrupted run begins again
        for found in [*path.rglob("*"), path]:
            os.lchown(found, user.pw_uid, user.pw_gid)
    return True


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "config_file": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    path = pathlib.Path(module.params["path"])
    if (path / "mysql.ibd").exists():
        module.exit_json(changed=take_over(path, module.check_mode))
    if path.exists() and any(path.iterdir()):
        module.fail_json(
            msg=f"{path} holds files but no MySQL data dictionary (mysql.ibd). Nothing was touched: "
            "move what is in it to another place, then run again."
        )
    if module.check_mode:
        module.exit_json(changed=True)
    draft = path.with_name(f"{path.name}.initialising")
    if draft.exists():
        shutil.rmtree(draft)
    with tempfile.NamedTemporaryFile("w", prefix="mysql-init-", suffix=".sql") as statements:
        statements.write(SOCKET_ONLY)
        statements.flush()
        # readable by the server's user; it holds no secret
        os.chmod(statements.name, 0o644)  # noqa: PTH101
        code, out, err = module.run_command(
            [
                "mysqld",
                f"--defaults-file={module.params['config_file']}",
                "--initialize",
                "--user=mysql",
                f"--datadir={draft}",
                f"--init-file={statements.name}",
                "--super-read-only=OFF",
                "--read-only=OFF",
                "--skip-log-bin",
            ]
        )
    if code != 0:
        tail = "\n".join((out + err).strip().splitlines()[-15:])
        module.fail_json(msg=f"mysqld --initialize ended with {code}: {tail}")
    if path.exists():
        path.rmdir()
    draft.rename(path)
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()

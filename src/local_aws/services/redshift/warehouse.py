"""Redshift's clusters, databases and users on one PostgreSQL server.

A cluster's database is a PostgreSQL database, made on first use from a template that holds Redshift's functions. The
first cluster to use a name of a database or user gets it; another cluster's is told apart by ``name@cluster``.
"""

from __future__ import annotations

import re
import threading
from importlib import resources
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from local_aws.services.postgres import PostgresServer
from local_aws.services.redshift.model import ClusterInfo, Identity, Target
from local_aws.services.redshift.sqlerror import SqlError

_TEMPLATE = "redshift_template"
# What Redshift's sessions are and PostgreSQL's are not; see lexer.py for the literals. Redshift's default isolation
# (SNAPSHOT) is what PostgreSQL calls REPEATABLE READ.
_DATABASE_SETTINGS = {
    "default_transaction_isolation": "repeatable read",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "backslash_quote": "on",
    "timezone": "UTC",
    "client_min_messages": "error",
}
# Who makes a user administers it.
_USERS_MADE_BY = """
SELECT made.rolname FROM pg_auth_members AS m
JOIN pg_roles AS made ON m.roleid = made.oid JOIN pg_roles AS maker ON m.member = maker.oid
WHERE m.admin_option AND maker.rolname = %s
"""
_MASTER_ROLES = ("pg_read_all_data", "pg_write_all_data", "pg_monitor", "pg_signal_backend")


class Warehouse:
    """Opens sessions for the targets of statements, making databases and users as needed."""

    def __init__(self, postgres: PostgresServer) -> None:
        self._postgres = postgres
        self._lock = threading.Lock()
        self._databases: dict[tuple[str, str], str] = {}
        self._roles: dict[tuple[str, str], str] = {}
        self._passwords: dict[tuple[str, str], str | None] = {}
        self._ready = False

    def connect(self, target: Target) -> psycopg.Connection[Any]:
        """A new autocommit session; SqlError with PostgreSQL's text if the user or the database is not accepted."""
        self._postgres.start()
        with self._lock:
            self._prepare()
            role = self._role(target.cluster, target.identity)
            database = self._database(target.cluster, target.database)
        identity = target.identity
        try:
            if identity.password is None:
                # Temporary credentials: IAM has vouched for the user, so no password is asked for.
                connection = self._postgres.connect_as_superuser(database)
                connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
            else:
                connection = self._postgres.connect(
                    user=role, password=identity.password, dbname=database, autocommit=True
                )
        except psycopg.Error as error:
            raise _connection_error(error) from error
        connection.prepare_threshold = None
        return connection

    def databases(self, cluster: ClusterInfo) -> list[str]:
        """The names of the cluster's databases."""
        with self._lock:
            used = {database for identifier, database in self._databases if identifier == cluster.identifier}
        return sorted(used | {cluster.database})

    def drop(self, cluster: str) -> None:
        """Drop a deleted cluster's databases and users, cutting off their sessions."""
        if not self._postgres.running:
            return
        with self._lock, self._postgres.connect_as_superuser() as connection:
            for key in [key for key in self._databases if key[0] == cluster]:
                name = sql.Identifier(self._databases.pop(key))
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            for key in [key for key in self._roles if key[0] == cluster]:
                master = self._roles.pop(key)
                self._passwords.pop(key, None)
                there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
                for (each,) in [*connection.execute(_USERS_MADE_BY, (master,)).fetchall(), (master,)]:
                    if each not in there:  # an earlier deletion was cut off after it
                        continue
                    role = sql.Identifier(each)
                    # What the user was granted in the system's own databases; its own databases are gone.
                    connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
                    connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))

    def _prepare(self) -> None:
        if self._ready:
            return
        with self._postgres.connect_as_superuser() as connection:
            exists = "SELECT FROM pg_database WHERE datname = %s AND datistemplate"
            if connection.execute(exists, (_TEMPLATE,)).fetchone() is None:
                name = sql.Identifier(_TEMPLATE)
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
                connection.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(name))
                with self._postgres.connect_as_superuser(_TEMPLATE) as template:
                    template.execute(_functions())
                connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(name))
            self._read_names(connection)
        self._ready = True

    def _read_names(self, connection: psycopg.Connection[Any]) -> None:
        """What an earlier run left in the data directory."""
        marked = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
        for name, mark in connection.execute(marked).fetchall():
            if mark and mark.startswith("redshift:"):
                cluster, _, database = mark.removeprefix("redshift:").partition("/")
                self._databases[cluster, database] = name
        marked = "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles"
        for name, mark in connection.execute(marked).fetchall():
            if mark and mark.startswith("redshift:"):
                cluster, _, user = mark.removeprefix("redshift:").partition("/")
                self._roles[cluster, user] = name

    def _database(self, cluster: ClusterInfo, database: str) -> str:
        key = (cluster.identifier, database)
        if key not in self._databases:
            if database != cluster.database:
                raise SqlError(f'database "{database}" does not exist', "3D000", severity="FATAL")
            name = _free(database, cluster.identifier, set(self._databases.values()) | {"postgres", _TEMPLATE})
            with self._postgres.connect_as_superuser() as connection:
                # One without a mark is of a server that was killed while it was made.
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
                self._create_database(connection, name, self._roles[cluster.identifier, cluster.master_username])
                mark = sql.Literal(f"redshift:{cluster.identifier}/{database}")
                connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), mark))
            self._databases[key] = name
        return self._databases[key]

    def _create_database(self, connection: psycopg.Connection[Any], name: str, owner: str) -> None:
        database, role = sql.Identifier(name), sql.Identifier(owner)
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                database, role, sql.Identifier(_TEMPLATE)
            )
        )
        for setting, value in _DATABASE_SETTINGS.items():
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} TO {}").format(database, sql.Identifier(setting), sql.Literal(value))
            )
        with self._postgres.connect_as_superuser(name) as inside:
            inside.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(role))
            # Redshift lets every user create in public.
            inside.execute("GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC")

    def _role(self, cluster: ClusterInfo, identity: Identity) -> str:
        self._master(cluster, identity)
        key = (cluster.identifier, identity.user)
        if key not in self._roles and identity.password is None and identity.user.startswith(("IAM:", "IAMR:")):
            with self._postgres.connect_as_superuser() as connection, connection.transaction():
                name = self._create_role(connection, cluster, identity.user, "LOGIN")
            self._roles[key] = name
        # Users made by CREATE USER have PostgreSQL's own name.
        return self._roles.get(key, identity.user)

    def _master(self, cluster: ClusterInfo, identity: Identity) -> None:
        """Make the master user, and give it the password that the control plane, or else the first secret, states."""
        key = (cluster.identifier, cluster.master_username)
        password = cluster.master_password
        if password is None and identity.user == cluster.master_username:
            password = self._passwords.get(key) or identity.password
        if key in self._roles and password in (None, self._passwords.get(key)):
            return
        with self._postgres.connect_as_superuser() as connection:
            if key not in self._roles:
                with connection.transaction():  # a server that is killed now has the whole user, or none
                    name = self._create_role(connection, cluster, cluster.master_username, "LOGIN CREATEDB CREATEROLE")
                    role = sql.Identifier(name)
                    for group in _MASTER_ROLES:
                        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), role))
                    # The master user reads and changes what the users that it makes own.
                    given = "ALTER ROLE {} SET createrole_self_grant TO 'set, inherit'"
                    connection.execute(sql.SQL(given).format(role))
                self._roles[key] = name
            if password is not None:
                role = sql.Identifier(self._roles[key])
                connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))
                self._passwords[key] = password

    def _create_role(
        self, connection: psycopg.Connection[Any], cluster: ClusterInfo, user: str, options: LiteralString
    ) -> str:
        taken = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        name = _free(user, cluster.identifier, taken)
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} " + options).format(role))
        mark = sql.Literal(f"redshift:{cluster.identifier}/{user}")
        connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(role, mark))
        return name


def _free(name: str, cluster: str, taken: set[str]) -> str:
    return name if name not in taken else f"{name}@{cluster}"


def _functions() -> str:
    return resources.files("local_aws.services.redshift").joinpath("functions.sql").read_text(encoding="utf-8")


def _connection_error(error: psycopg.Error) -> SqlError:
    """PostgreSQL's own words; psycopg puts the socket's path before them."""
    match = re.search(r"FATAL:\s+(.*)", str(error))
    text = match.group(1) if match else str(error).strip()
    return SqlError(text, error.sqlstate or "28000", severity="FATAL")

"""What people let applications do: signing in, and the credentials that come of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from msgspec.structs import replace

from heliograph.errors import ForbiddenError
from heliograph.model.access import Application, Credential, Secret
from heliograph.model.people import Person
from heliograph.store.base import Rows
from heliograph.store.passwords import Passwords
from heliograph.store.registry import Registry
from heliograph.store.sqlite import Database


class Grants:
    """Keeps what is granted as ordinary credentials; see the contract."""

    def __init__(self, database: Database, registry: Registry, passwords: Passwords | None = None) -> None:
        self._database, self._registry = database, registry
        self.passwords = passwords or Passwords()

    async def application(self, dialect: str, client_id: str) -> Application | None:
        """See the contract."""
        found = self._registry.applications.get((dialect, client_id))
        return found if found is not None and self._open(found) else None

    def _open(self, application: Application) -> bool:
        account = self._registry.accounts.get(application.account_id)
        return not application.disabled and account is not None and not account.disabled

    async def sign_in(self, application: Application, contact: str, password: str) -> Person | None:
        """See the contract. Both outcomes are written into the audit trail."""
        people = self._registry.people.values()
        known = [one for one in people if one.account_id == application.account_id and one.answers_to(contact)]
        # With an address and a number, two people can answer to one contact only if it is neither's alone.
        person = known[0] if len(known) == 1 and not known[0].disabled else None
        right = await self.passwords.matches(None if person is None else person.password, password)
        action = "person.signed-in" if right else "person.refused"
        detail = f"{f'person {known[0].id}' if known else 'nobody'}, for application {application.client_id}"
        await self._database.write(lambda rows: self._registry.audit(rows, application.account_id, 0, action, detail))
        return person if right else None

    async def grant(self, application: Application, person: Person, scopes: Sequence[str]) -> Credential:
        """See the contract."""

        def job(rows: Rows) -> Credential:
            self._check(application, person, scopes)
            name = f"oauth-{application.client_id}-{person.id}"
            held = self._registry.credentials.get((application.dialect, name))
            if held is not None and (held.disabled or held.application_id != application.id):
                raise ForbiddenError("the credential of this grant was disabled")
            wanted = held or Credential(
                id=0, account_id=application.account_id, dialect=application.dialect, name=name,
                secret=Secret(secrets.token_hex(24)), application_id=application.id, person_id=person.id,
            )  # fmt: skip
            saved = self._registry.put_credential(
                rows, replace(wanted, plants=person.plants, scopes=tuple(dict.fromkeys(scopes)))
            )
            detail = f"{', '.join(saved.scopes)} to application {application.client_id} by person {person.id}"
            self._registry.audit(rows, saved.account_id, saved.id, "grant.given", detail)
            return saved

        return await self._database.write(job)

    def _check(self, application: Application, person: Person, scopes: Sequence[str]) -> None:
        now = self._registry.applications.get((application.dialect, application.client_id))
        if now is None or now.id != application.id or not self._open(now):
            raise ForbiddenError("the application was disabled")
        if not scopes or not set(scopes) <= set(now.scopes):
            raise ForbiddenError("the application may not ask for this")
        one = self._registry.people.get(person.id)
        if one is None or one.disabled or one.account_id != now.account_id or one.password != person.password:
            raise ForbiddenError("sign in again")

    def as_it_stands(self, credential: Credential) -> Credential:
        """A granted credential as person and application are now; any other as it is."""
        if credential.application_id is None:
            return credential
        person = self._registry.people.get(credential.person_id or 0)
        granted = [one for one in self._registry.applications.values() if one.id == credential.application_id]
        if person is None or person.disabled or not granted or granted[0].disabled:
            return replace(credential, disabled=True)
        scopes = tuple(scope for scope in credential.scopes if scope in granted[0].scopes)
        return replace(credential, plants=person.plants, scopes=scopes, disabled=credential.disabled or not scopes)

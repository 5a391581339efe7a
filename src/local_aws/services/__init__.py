"""Services as plain classes: they take and return the API's dictionaries and import no emulator."""

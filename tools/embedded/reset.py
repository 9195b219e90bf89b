"""`make reset`: delete the data of this checkout."""

import shutil

from embedded.home import Home
from embedded.home_lock import HomeLock, SupervisorNote
from embedded.screen import Screen


def reset(home: Home, screen: Screen) -> int:
    """Delete a home, unless a supervisor runs in it. Returns the exit code."""
    if not home.folder.exists():
        screen.say(f"There is no data to delete: {home.folder} does not exist.")
        return 0
    lock = HomeLock(home)
    if not lock.acquire():
        note = SupervisorNote.read(home)
        where = f" at {note.address} (process {note.pid})" if note else ""
        screen.say(f"Nothing was deleted: Kitchen Table is running{where}.")
        screen.say("Stop it first with Ctrl-C in its terminal.")
        return 1
    shutil.rmtree(home.folder)
    lock.release()
    screen.say(f"Deleted {home.folder}. `make run` starts with new data.")
    return 0

"""Views of active chats as JSON files, for a machine without Redis; one writer at a time.

`live.json` names the build that readers see; each build is a folder, in which a folder for each
tenant holds a file for each chat, replaced as a whole. They survive a restart of the process; after
a loss of power delete the folder, and it is made again from the log.
"""

from projections.json_files.folder import folder
from projections.json_files.views import JsonFileViews

__all__ = ["JsonFileViews", "folder"]

"""What Python does when it starts in Ray's processes: it lets Ray Serve do without pandas.

Serve imports pandas into each of its processes, replicas as well as proxies, if it is there: to
write data frames as JSON, of which nothing here sends any. With what comes along that is memory
of every process, and time of its start. Whoever else imports pandas gets it.
"""

import sys

from deployments.start.leaving_out import LeftOut

sys.meta_path.insert(0, LeftOut("pandas", by="ray.serve._private.utils"))

"""Makes what every check in the lab starts from: five members with keys, roster and operators, and
the plan known to all. Usage: template.py FOLDER"""

import os
import shutil
import sys

from cluster import Cluster
from lab import Lab, LabCluster

target = sys.argv[1]
with Lab() as lab, LabCluster(lab) as c:
    Cluster.up(c)
    for node in c:
        status, _ = node.stop()
        assert status == 0, node.tail()
        shutil.copytree(node.folder, os.path.join(target, node.slug),
                        ignore=lambda *_: ["control", "log", "state"])
    shutil.copy(c.roster, os.path.join(target, "roster"))
    with open(os.path.join(target, "cluster-id"), "w", encoding="ascii") as f:
        f.write(c.id)

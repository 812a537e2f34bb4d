"""Run the fork server. Arguments: the descriptor of its socket, and the limits of a recording as JSON."""

import json
import socket
import sys

from govor.decoder.process.confinement import Limits
from govor.decoder.process.server import ForkServer

ForkServer(socket.socket(fileno=int(sys.argv[1])), Limits(**json.loads(sys.argv[2]))).run()

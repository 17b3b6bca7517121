"""A child that speaks to no cluster: it tells its process, or says nothing, or dies, as it is asked."""

import os
import pickle
import sys
from multiprocessing.connection import Connection


def main() -> None:
    conn = Connection(int(sys.argv[1]))
    while True:
        number, name, _given = pickle.loads(conn.recv_bytes())
        if name == "nodes":
            conn.send_bytes(pickle.dumps((number, True, [{"pid": os.getpid()}])))
        elif name == "bring_up":
            conn.send_bytes(pickle.dumps((number, False, "it could not")))
        elif name == "retire":
            os._exit(1)


if __name__ == "__main__":
    main()

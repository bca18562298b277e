"""How gunicorn serves the portal; everything that differs between machines comes from the environment."""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
# Threads, because a request waits for the database or the card processor more often than for the processor.
worker_class = "portal.web.server.StreamingWorker"
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 60
graceful_timeout = 15
keepalive = 5
# Heartbeat files in memory: on a slow disk gunicorn would take a busy worker for a dead one.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
# Only a proxy in front, named here, may say who the visitor is.
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
# Under which root the portal lies is no header's to say: every link of a page begins with it.
forwarder_headers = ""
# Nobody steers it from outside, and two servers of one user would share the socket.
control_socket_disable = True

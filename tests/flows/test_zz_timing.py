import time
from tests.flows.conftest import *
def test_t(server, cast, connect, project):
    server.token(cast.bob)
    for name, f in {
        'user': lambda: server.stack.user(),
        'project': lambda: make_project(server.stack, cast),
        'connect+close': lambda: [s:=server.connect(cast.bob), s.next(), s.close()],
        'run': lambda: server.stack.run('result=1'),
        'rest': lambda: server.api(cast.bob).get('/api/projects/'),
        'rest nothing': lambda: server.api().get('/healthz'),
    }.items():
        t=time.perf_counter(); c=time.process_time()
        for _ in range(10): f()
        print(f"{name}: {(time.perf_counter()-t)*100:.1f} ms, cpu here {(time.process_time()-c)*100:.1f}")
    s=connect(server,cast.bob)
    t=time.perf_counter()
    for _ in range(50): s.ask('ping',{})
    print('ping', (time.perf_counter()-t)*20)
    t=time.perf_counter()
    for _ in range(50): s.ask('task_create',{'project_id':project,'title':'x'})
    print('create', (time.perf_counter()-t)*20)

import sys,types,os,libvirt,shutil,time
for n in ("ansible","ansible.module_utils","ansible.module_utils.basic"): sys.modules[n]=types.ModuleType(n)
sys.modules["ansible.module_utils.basic"].AnsibleModule=None
import importlib.util
def load(k):
    sp=importlib.util.spec_from_file_location("w_"+k,f"/tmp/hl/w_{k}.py"); w=importlib.util.module_from_spec(sp); sp.loader.exec_module(w); return w
from homelab import records, module, networkd, networkd_apply
from pathlib import Path
records.ROOT=Path("/tmp/rec"); shutil.rmtree("/tmp/rec",ignore_errors=True)
L=networkd.Link("apps",True,True,"",1500,None,"br0","vlan",{"id":10},["10.10.10.1/24"],True,{})
B=networkd.Link("br0",True,True,"",1500,None,None,"bridge",{},[],True,{})
networkd.read_links=lambda: {"apps":L,"br0":B}
networkd.FOLDER=Path("/tmp/nd"); shutil.rmtree("/tmp/nd",ignore_errors=True); networkd.FOLDER.mkdir()
P,I,V,D=load("pool"),load("image"),load("volume"),load("domain")
from homelab import leases; leases.FOLDER=networkd.FOLDER
class Hold:
    run={"id":"x"}; taken=armed=False
    def settle(s): pass
    def take(s): s.taken=True
    def arm(s,t): return ""
def apply(w,units,check=False,remove=(),prune=True):
    params={"owner":"lab","remove":list(remove),"secret_values":"","units":units,"contents":{},"absent":[],"report_undeclared":True,"prune":prune}
    r,what=module.work(w,params,None if check else Hold())
    for x in r: print("  ",w.kind,x["name"],"changed" if x["changed"] else "same", ("FAILED: "+x["msg"]) if x["failed"] else x["msg"], x.get("disruption",""), "| diff:",x.get("diff","")[:150].replace("\n"," / "), "| facts", x.get("facts"))
    return what
p,i,v,d=P.PoolWriter(),I.ImageWriter(),V.VolumeWriter(),D.DomainWriter()
from homelab import pool, volume, domain
for n in ("m","n","u","x"):
    if (x:=domain.named(n)):
        if x.isActive(): x.destroy()
        x.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
if pool.lookup("vms"): P.forget("vms")
shutil.rmtree("/srv/vms",ignore_errors=True)
for f in Path("/var/lib/libvirt/boot").glob("*"): f.unlink()
K={"kernel":"/srv/guest/vmlinuz","initrd":"/srv/guest/initrd.img","cmdline":"console=ttyS0 quiet net.ifnames=0"}
PU=[{"name":"vms","path":"/srv/vms"}]
import hashlib
if pool.lookup("small"): P.forget("small")
apply(p,[{"name":"small","path":"/srv/small"}],prune=False)
b=os.urandom(16*2**20); open("/srv/big.raw","wb").write(b); sha=hashlib.sha256(b).hexdigest()
apply(i,[{"name":"big","source":"/srv/big.raw","sha256":sha}])
apply(v,[{"pool":"small","name":"a","size":"16 MiB","image":"big"}]); print(os.listdir("/srv/small"))
apply(v,[{"pool":"small","name":"a","size":"16 MiB","image":"big","format":"raw"}]); print(os.listdir("/srv/small"))
apply(v,[{"pool":"small","name":"e","size":"1 GiB"}]); print(os.listdir("/srv/small"))
print("url"); 
import threading,http.server
os.chdir("/srv"); srv=http.server.ThreadingHTTPServer(("127.0.0.1",8099),http.server.SimpleHTTPRequestHandler); threading.Thread(target=srv.serve_forever,daemon=True).start()
os.system("ip link set lo up 2>/dev/null")
apply(i,[{"name":"url","source":"http://127.0.0.1:8099/big.raw","sha256":sha}]); apply(i,[{"name":"nope","source":"http://127.0.0.1:8099/none","sha256":"2"*64}]); apply(i,[{"name":"down","source":"http://127.0.0.1:1/none","sha256":"2"*64}])
os.system("qemu-img create -q -f qcow2 -b /srv/big.raw -F raw /srv/based.qcow2"); sh=hashlib.sha256(open("/srv/based.qcow2","rb").read()).hexdigest()
apply(i,[{"name":"based","source":"/srv/based.qcow2","sha256":sh}])
print(os.listdir("/var/lib/homelab-images")); apply(i,[],remove=["url"]); print(os.listdir("/var/lib/homelab-images")); apply(i,[],remove=["big"]); print(os.path.exists("/var/lib/homelab-images"))

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
def fl(x): return x[:300]
apply(p,PU); apply(v,[{"pool":"vms","name":"a","size":"16 MiB"},{"pool":"vms","name":"b","size":"16 MiB"}])
u={"name":"m","memory":"128 MiB","memory_max":"192 MiB","vcpus":1,"vcpus_max":2,"kernel":K,"disks":[{"volume":"vms/a"}],"autostart":False,"shutdown_seconds":40}
print("start"); apply(d,[u]); t0=time.time()
con="/var/log/libvirt/qemu/m.console.log"
while "is up" not in open(con).read() and time.time()-t0<60: time.sleep(1)
print("guest up after",round(time.time()-t0)); apply(d,[u])
print("live"); l={**u,"memory":"160 MiB","vcpus":2,"description":"x","disks":[{"volume":"vms/a"},{"volume":"vms/b"}]}; apply(d,[l],check=True); apply(d,[l]); apply(d,[l])
print("detach"); apply(d,[u]) ; apply(d,[u])
print("next boot"); n={**u,"memory_max":"256 MiB","vcpus":1,"cloud_init":{}}; apply(d,[n],check=True); apply(d,[n]); apply(d,[n])
print("restart allowed"); n={**n,"restart":"allowed"}; apply(d,[n],check=True); t=time.time(); apply(d,[n]); print(round(time.time()-t)); apply(d,[n])
print("rename denied while running"); r={**n,"name":"n","renamed_from":"m","restart":"denied"}; apply(d,[r]); print(domain.named("m").isActive())
print("stubborn"); s={**n,"restart":"denied","kernel":{**K,"cmdline":K["cmdline"]+" stubborn"}}; apply(d,[s]); apply(d,[{**s,"restart":"allowed","shutdown_seconds":1,"force_off":True}]); time.sleep(25)
print("off, does not"); apply(d,[{**s,"running":False,"shutdown_seconds":8}]); print("off, forced"); apply(d,[{**s,"running":False,"shutdown_seconds":8,"force_off":True}]); print(domain.named("m").isActive())
print("remove"); apply(d,[],remove=["m"]); apply(v,[],remove=["vms/a","vms/b"]); print(os.listdir("/srv/vms"))

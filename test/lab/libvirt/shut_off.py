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
apply(p,PU)
import hashlib
open("/srv/src.raw","wb").write(b"x"*1048576)
sha=hashlib.sha256(b"x"*1048576).hexdigest()
IU=[{"name":"deb","source":"/srv/src.raw","sha256":sha}]
print("image wrong hash"); apply(i,[{**IU[0],"sha256":"0"*64}]); print("image missing"); apply(i,[{**IU[0],"source":"/srv/none","sha256":"1"*64}])
print("image"); apply(i,IU,check=True); apply(i,IU); apply(i,IU)
print("volume of missing image"); apply(v,[{"pool":"vms","name":"a","size":"16 MiB","image":"other"}],check=True); apply(v,[{"pool":"vms","name":"a","size":"16 MiB","image":"other"}])
print("volume"); apply(v,[{"pool":"vms","name":"a","size":"16 MiB","image":"deb"}]); apply(v,[{"pool":"vms","name":"a","size":"16 MiB","image":"deb"}])
u={"name":"m","memory":"128 MiB","vcpus":1,"kernel":K,"disks":[{"volume":"vms/a"}],"autostart":False,"running":False,"interfaces":[{"bridge":"br0","vlan":10,"address":"10.10.10.30"}],"cloud_init":{"user_data":"#cloud-config\n{}\n"},"xml":"<domain><devices><watchdog model='i6300esb' action='poweroff'/></devices><clock offset='utc'><timer name='hpet' present='yes'/></clock></domain>"}
print("domain"); apply(d,[u],check=True); apply(d,[u]); apply(d,[u])
print(os.listdir("/tmp/nd"), [x.read_text() for x in Path("/tmp/nd").rglob("*.conf")])
import subprocess
print(subprocess.run(["isoinfo","-R","-l","-i","/var/lib/libvirt/boot/homelab-m.iso"],capture_output=True,text=True).stdout[-600:])
print("next: xml less, seed changed"); u2={**u,"cloud_init":{"user_data":"#cloud-config\n{a: 1}\n"}}; del u2["xml"]; apply(d,[u2],check=True); apply(d,[u2]); apply(d,[u2])
print("refusals")
for k in ({"cpu":"Nonsense"},{"cpu":"host-passthrough"},{"memory":"4096 GiB"},{"vcpus":400},{"machine":"pc-q35-99"},{"kernel":{"kernel":"/nowhere"}},{"interfaces":[{"bridge":"br7"}]},{"interfaces":[{"bridge":"br0","vlan":11,"address":"10.10.11.3"}]},{"disks":[{"volume":"vms/none"}]},{"xml":"<domain><nonsense/></domain>"},{"xml":"<domain><devices><watchdog model='none' action='x'/></devices></domain>"},{"machine":"pc"},{"firmware":"uefi"}):
    print(list(k.items())[0]); apply(d,[{**u2,**k}])
print("unchanged?"); apply(d,[u2])
print("rename"); r={**u2,"name":"n","renamed_from":"m"}; apply(d,[r],check=True); apply(d,[r]); apply(d,[r]); print(domain.named("m"), os.listdir("/var/lib/libvirt/boot"), [str(x) for x in Path("/tmp/rec").rglob("*") if x.is_file()], [str(x) for x in Path("/tmp/nd").rglob("*.conf")])
print("replace"); q={**r,"firmware":"uefi","restart":"allowed"}; apply(d,[q],check=True); apply(d,[q]); apply(d,[q])
print("back"); q={**r,"restart":"allowed","machine":"pc"}; apply(d,[q]); apply(d,[q])
print("new m beside n"); apply(d,[q,{**u,"name":"m","disks":[],"interfaces":[]}],prune=False); 
w=apply(d,[q]); print(w["going"]); apply(d,[],remove=["m","n"]); print(os.listdir("/var/lib/libvirt/boot"), [str(x) for x in Path("/tmp/rec").rglob("*") if x.is_file()], [str(x) for x in Path("/tmp/nd").rglob("*.conf")])

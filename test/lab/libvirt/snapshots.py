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
import subprocess
apply(p,PU); apply(v,[{"pool":"vms","name":"a","size":"16 MiB"},{"pool":"vms","name":"r","size":"16 MiB","format":"raw"}])
print(os.listdir("/var/lib/libvirt/qemu/nvram")); [os.unlink("/var/lib/libvirt/qemu/nvram/"+f) for f in os.listdir("/var/lib/libvirt/qemu/nvram") if f.startswith("u_")]
u={"name":"u","memory":"128 MiB","kernel":K,"disks":[{"volume":"vms/a"}],"autostart":False,"shutdown_seconds":60,"firmware":"uefi","snapshot":True,"restart":"allowed","start_seconds":5}
print("uefi start"); apply(d,[u]); time.sleep(15)
print("uefi change breaks"); apply(d,[{**u,"vcpus_max":2,"agent":True,"ready":"agent","force_off":True,"shutdown_seconds":20}])
x=domain.named("u"); print("active",x.isActive(), domain.persistent(x).findtext("vcpu"), [s.getName() for s in x.listAllSnapshots()], os.listdir("/var/lib/libvirt/qemu/nvram"))
apply(d,[u])
print("firmware change works"); apply(d,[{**u,"firmware":"bios","force_off":True,"shutdown_seconds":10}]); apply(d,[{**u,"firmware":"bios","force_off":True,"shutdown_seconds":10}]); print(os.listdir("/var/lib/libvirt/qemu/nvram"), os.listdir("/tmp/rec/lab/replaced"))
b={**u,"firmware":"bios","force_off":True,"shutdown_seconds":10}
print("raw with snapshot"); apply(d,[{**b,"disks":[{"volume":"vms/a"},{"volume":"vms/r"}]}])
b={**b,"snapshot":False}
apply(d,[b])
print("not as libvirt writes"); apply(d,[{**b,"xml":"<domain><memtune><hard_limit unit='GiB'>4</hard_limit></memtune></domain>"}]); apply(d,[b])
print("external snapshot"); x=domain.named("u"); print(x.isActive()); x.snapshotCreateXML("<domainsnapshot><disks><disk name='vda' snapshot='external'><source file='/srv/vms/a.snap'/></disk></disks></domainsnapshot>", libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY|libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA)
apply(d,[b]); print("volume removal refused"); apply(v,[{"pool":"vms","name":"a","size":"16 MiB","on_delete":"destroy"},{"pool":"vms","name":"r","size":"16 MiB","format":"raw","on_delete":"destroy"}]); apply(v,[],remove=["vms/a","vms/r"])
x.destroy(); apply(d,[],remove=["u"]); apply(v,[],remove=["vms/a"]); print(os.listdir("/srv/vms"))
print("owner b adopts")
def apply_as(owner,w,units,remove=()):
    params={"owner":owner,"remove":list(remove),"secret_values":"","units":units,"contents":{},"absent":[],"report_undeclared":False,"prune":False}
    r,what=module.work(w,params,Hold()); print("  ",owner,[(x["name"],x["changed"],x["failed"],x["msg"][:80]) for x in r])
apply(v,[{"pool":"vms","name":"z","size":"16 MiB","on_delete":"destroy"}]); q={"name":"m","memory":"128 MiB","kernel":K,"disks":[{"volume":"vms/z"}],"running":False}; apply(d,[q])
Z={"pool":"vms","name":"z","size":"16 MiB"}
apply_as("b",v,[Z]); apply_as("b",v,[{**Z,"adopt":True}]); apply_as("b",d,[q]); apply_as("b",d,[{**q,"adopt":True}])
apply_as("lab",d,[],remove=["m"]); apply_as("lab",v,[],remove=["vms/z"]); print(domain.named("m") is not None, os.listdir("/srv/vms"))
apply_as("b",d,[],remove=["m"]); apply_as("b",v,[],remove=["vms/z"]); print(domain.named("m"), os.listdir("/srv/vms"))

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
import subprocess, xml.etree.ElementTree as ET
apply(p,PU)
G={"deb1":("qcow2",{"memory":"256 MiB","disks":[{"volume":"vms/deb1.qcow2"}],"interfaces":[{"bridge":"br0"}],"graphics":"vnc"}),
"deb2":("qcow2",{"memory":"256 MiB","vcpus":2,"vcpus_max":4,"firmware":"uefi-secure","disks":[{"volume":"vms/deb2.qcow2"},{"cdrom":"/srv/guest/initrd.img"}],"interfaces":[{"bridge":"br0","mac":"52:54:00:aa:bb:cc"}]}),
"win":("qcow2",{"memory":"512 MiB","vcpus":2,"disks":[{"volume":"vms/win.qcow2","target":"sda"}],"interfaces":[{"bridge":"br0","model":"e1000e"}],"graphics":"vnc"}),
"old":("qcow2",{"memory":"256 MiB","machine":"pc","vcpus":2,"disks":[{"volume":"vms/old.qcow2"}],"interfaces":[{"bridge":"br0"}],"graphics":"vnc"}),
"plain":("raw",{"memory":"128 MiB","machine":"pc","disks":[{"volume":"vms/plain.raw","target":"hda"}],"cpu":"qemu64"})}
for n,(f,unit) in G.items():
    if (x:=domain.named(n)):
        if x.isActive(): x.destroy()
        x.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    file=unit["disks"][0]["volume"].split("/")[1]
    subprocess.run(["qemu-img","create","-q","-f",f,"/srv/vms/"+file,"1G"],check=True)
    print("==",n)
    apply(v,[{"pool":"vms","name":file,"size":"1 GiB","format":f}])
    apply(v,[{"pool":"vms","name":file,"size":"1 GiB","format":f,"adopt":True}])
    x=domain.libvirt_host.connection().defineXML(open(f"/tmp/vi-{n}.xml").read())
    before=x.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE|libvirt.VIR_DOMAIN_XML_SECURE)
    w={"name":n,"autostart":False,"running":False,**unit}
    r=apply(d,[w],prune=False); apply(d,[{**w,"adopt":True}],prune=False); apply(d,[{**w,"adopt":True}],prune=False)
    after=x.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE|libvirt.VIR_DOMAIN_XML_SECURE)
    import difflib
    print("\n".join(l for l in difflib.unified_diff(before.split("\n"),after.split("\n"),n=0,lineterm="")))

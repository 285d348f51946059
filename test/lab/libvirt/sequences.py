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
for n in [x.name() for x in domain.libvirt_host.connection().listAllDomains() if x.name()[0] in 'mnuxs']:
    if (x:=domain.named(n)):
        if x.isActive(): x.destroy()
        x.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
if pool.lookup("vms"): P.forget("vms")
shutil.rmtree("/srv/vms",ignore_errors=True)
for f in Path("/var/lib/libvirt/boot").glob("*"): f.unlink()
K={"kernel":"/srv/guest/vmlinuz","initrd":"/srv/guest/initrd.img","cmdline":"console=ttyS0 quiet net.ifnames=0"}
PU=[{"name":"vms","path":"/srv/vms"}]
import random, hashlib, subprocess, io, contextlib
def quiet(w,units,**k):
    b=io.StringIO()
    with contextlib.redirect_stdout(b): what=apply(w,units,**k)
    return b.getvalue()
def content(f):
    subprocess.run(["qemu-img","convert","-O","raw",f,"/tmp/raw.img"],check=True); d=open("/tmp/raw.img","rb").read(); return hashlib.sha256(d[:4*2**20]).hexdigest()
apply(p,PU)
b=os.urandom(4*2**20); open("/srv/c.raw","wb").write(b); sha=hashlib.sha256(b).hexdigest()
apply(i,[{"name":"c","source":"/srv/c.raw","sha256":sha}])
rnd=random.Random(7); bad=0; ops=0; fails={}
for seq in range(30):
    name=f"s{seq}"; vol={"pool":"vms","name":f"d{seq}","size":"8 MiB","image":"c","format":rnd.choice(["qcow2","raw"])}
    quiet(v,[vol],prune=False)
    base=lambda n,**k: {"name":n,"memory":"128 MiB","kernel":K,"disks":[{"volume":f"vms/d{seq}"}],"autostart":False,"running":False,"restart":"allowed",**k}
    unit=base(name); quiet(d,[unit],prune=False); size=8; log=[]
    for step in range(8):
        ops+=1; op=rnd.choice(["field","rename","replace","destroy","grow","vol-remove","seed","xml"]); 
        if op=="field": unit={**unit,"memory":rnd.choice(["128 MiB","160 MiB"]),"vcpus":rnd.choice([1,2]),"description":rnd.choice(["a","b"])}
        elif op=="rename": old=unit["name"]; unit={**unit,"name":f"s{seq}x{step}","renamed_from":old}
        elif op=="replace": unit={**unit,"machine":rnd.choice(["q35","pc"]),"firmware":rnd.choice(["bios","uefi"])}
        elif op=="seed": unit={**unit,"cloud_init":{"user_data":f"#cloud-config\n{{a: {step}}}\n"}}
        elif op=="xml": unit={**unit,"xml":rnd.choice(["<domain><on_crash>restart</on_crash></domain>","<domain><clock offset='localtime'/></domain>","<domain><devices><input type='tablet' bus='usb'/></devices></domain>","<domain><features><pae/></features><devices><watchdog model='i6300esb' action='reset'/></devices></domain>"])}
        elif op=="grow": size+=4; vol={**vol,"size":f"{size} MiB"}
        out=""
        if op=="destroy": out=quiet(d,[],remove=[unit["name"]]); unit.pop("renamed_from",None)
        if op in("grow",): out=quiet(v,[vol],prune=False)
        if op=="vol-remove": out=quiet(d,[],remove=[unit["name"]])+quiet(v,[],remove=[f"vms/d{seq}"])+quiet(v,[{**vol,"adopt":True}],prune=False); unit.pop("renamed_from",None)
        out+=quiet(d,[unit],prune=False)
        if op=="rename": again={k:x for k,x in unit.items() if k!="renamed_from"}; out2=quiet(d,[again],prune=False); unit=again; out+=out2
        if "FAILED" in out: fails.setdefault(op,[]).append(out[out.index("FAILED"):][:200])
        if "same" not in quiet(d,[unit],prune=False): bad+=1; print(seq,step,op,quiet(d,[unit],prune=False)[:300])
        if content(f"/srv/vms/d{seq}")!=sha: bad+=1; print("CONTENT LOST",seq,step,op)
    quiet(d,[],remove=[unit["name"]])
print("ops",ops,"bad",bad,{k:(len(x),x[0]) for k,x in fails.items()})
print([x.name() for x in domain.libvirt_host.connection().listAllDomains() if x.name().startswith("s")], os.listdir("/var/lib/libvirt/boot"), len(os.listdir("/srv/vms")), os.listdir("/tmp/nd"))

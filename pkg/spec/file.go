package spec

// The types below are cluster.yaml as it is written, one field for each key.
// The reader, the JSON Schema and the reference page are all made from their
// tags: yaml names the key, doc describes it, and jsonschema holds its limits
// as github.com/invopop/jsonschema spells them.

// topKeys are the keys of the top.
type topKeys struct {
	Name     val[string]       `yaml:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]{0\\,29}$" doc:"The identity of the cluster on its provider: lower case letters, digits and hyphens, at most 30."`
	Provider val[providerKeys] `yaml:"provider" jsonschema:"required" doc:"Where the machines come from: docker (containers on the local Docker Engine) or ssh (machines that exist). A map gives it settings."`
	SSH      val[sshKeys]      `yaml:"ssh" doc:"How every machine is logged in to. A node may override each key."`
	Engine   val[engineKeys]   `yaml:"engine" doc:"Docker Engine on every node. A node may override it: labels, env and daemon are merged key by key, other keys replace."`
	Swarm    val[swarmKeys]    `yaml:"swarm" doc:"The settings of the swarm itself."`
	Managers val[list[group]]  `yaml:"managers" jsonschema:"required" doc:"The managers; the first makes the swarm. At least one, best an odd number, at most 7."`
	Workers  val[list[group]]  `yaml:"workers" doc:"The workers."`
	Protect  val[bool]         `yaml:"protect" doc:"Forbids destroy."`
	Hooks    later             `yaml:"hooks" jsonschema:"-"`
	Files    later             `yaml:"files" jsonschema:"-"`
	Stacks   later             `yaml:"stacks" jsonschema:"-"`
}

// dockerKeys are the settings of the provider docker.
type dockerKeys struct {
	Image  val[string] `yaml:"image" jsonschema:"example=registry.local/node:1" doc:"The image of the machines. Absent: swarmup builds one."`
	Subnet val[string] `yaml:"subnet" jsonschema:"example=172.30.0.0/24" doc:"The CIDR of the cluster's network. Absent: one that is free."`
}

// sshKeys are the SSH settings that a cluster and a node share.
type sshKeys struct {
	User         val[string]       `yaml:"user" jsonschema:"example=admin" doc:"Who logs in: root, or a user with sudo. Absent: what ~/.ssh/config says, else root."`
	Port         val[int]          `yaml:"port" jsonschema:"minimum=1,maximum=65535" doc:"Where sshd listens. Absent: what ~/.ssh/config says, else 22."`
	IdentityFile val[string]       `yaml:"identity_file" jsonschema:"example=~/.ssh/id_ed25519" doc:"The private key. Relative paths are relative to this file, ~ is the home directory. Absent: the agent and the usual keys."`
	KnownHosts   val[string]       `yaml:"known_hosts" jsonschema:"example=./known_hosts" doc:"The file of known host keys, a path like identity_file. Absent: the user's own."`
	Jump         val[list[string]] `yaml:"jump" jsonschema:"example=admin@bastion.example.org:22" doc:"The hosts to go through, first to last: [user@]host[:port], or a Host of ~/.ssh/config. A node's list replaces the cluster's; [] means none. Absent: what ~/.ssh/config says."`
}

// nodeSSHKeys are the SSH settings of a node.
type nodeSSHKeys struct {
	sshKeys
	HostKey val[string] `yaml:"host_key" jsonschema:"pattern=^SHA256:[A-Za-z0-9+/]{43}$" doc:"The fingerprint that the machine must show, as ssh-keygen -lf prints it. known_hosts is not asked then."`
}

// engineKeys are the settings of Docker Engine.
type engineKeys struct {
	Install            val[installWord]    `yaml:"install" jsonschema:"example=docker" doc:"How an engine gets onto a machine that has none: docker takes Docker's packages from its repositories, distro the distribution's own; none leaves it to you; a path is that of a script of yours, which is run there as root. Absent: docker where Docker has packages for the distribution, else distro."`
	Version            val[string]         `yaml:"version" jsonschema:"example=28.5" doc:"The version of the engine, in quotes: all of it or its first components. A machine without an engine gets the newest that begins so; an engine of an older version is upgraded, those of members one after the other."`
	Repository         val[repositoryKeys] `yaml:"repository" doc:"A mirror of Docker's repositories, for install: docker."`
	Labels             val[labels]         `yaml:"labels" doc:"Engine labels, for constraints such as engine.labels.role==db."`
	InsecureRegistries val[list[string]]   `yaml:"insecure_registries" jsonschema:"example=registry.local:5000" doc:"Registries (host, host:port or CIDR) that are talked to without a valid certificate."`
	RegistryMirrors    val[list[string]]   `yaml:"registry_mirrors" jsonschema:"example=https://mirror.local" doc:"Mirrors of Docker Hub."`
	Daemon             val[settings]       `yaml:"daemon" doc:"Other keys of daemon.json, verbatim. Each key set here is owned by swarmup; those of others stay."`
	OpenPorts          val[bool]           `yaml:"open_ports" doc:"Opens the swarm's ports in the host's firewall, where ufw or firewalld runs, before it becomes a member. Destroy, and false, close those again that it opened. Other firewalls are not touched: see preflight.md."`
	Env                val[variables]      `yaml:"env" doc:"The engine's environment, such as {HTTPS_PROXY: \"http://proxy:3128\"}. With a proxy NO_PROXY gets the addresses of all nodes. A node's variables replace the cluster's one by one."`
}

// repositoryKeys say where a mirror of Docker's repositories is.
type repositoryKeys struct {
	URL val[string] `yaml:"url" jsonschema:"example=https://mirror.local/docker" doc:"Its root, which stands for https://download.docker.com: below it is linux/debian/dists and so on. Absent: Docker's own."`
	Key val[string] `yaml:"key" jsonschema:"example=./docker.asc" doc:"The file of the OpenPGP key that signs it, in ASCII armor; relative to this file. Absent: Docker's key, which swarmup has built in."`
}

// swarmKeys are the settings of the swarm.
type swarmKeys struct {
	ID               val[string]       `yaml:"id" jsonschema:"pattern=^[0-9a-z]{25}$" doc:"The ID of the swarm, printed after the first apply. With it apply never makes a swarm and takes any other for foreign."`
	Advertise        val[string]       `yaml:"advertise" jsonschema:"example=10.0.0.0/16" doc:"Which address the nodes tell each other: an interface name, or a CIDR that holds it."`
	DefaultAddrPool  val[list[string]] `yaml:"default_addr_pool" jsonschema:"example=172.24.0.0/13" doc:"The IPv4 ranges of overlay networks. Fixed when the swarm is made."`
	SubnetSize       val[int]          `yaml:"subnet_size" jsonschema:"minimum=1,maximum=29" doc:"The prefix length of each overlay network. Fixed when the swarm is made."`
	DataPathPort     val[int]          `yaml:"data_path_port" jsonschema:"minimum=1024,maximum=49151" doc:"The UDP port of overlay traffic. Fixed when the swarm is made."`
	NodeCertExpiry   val[duration]     `yaml:"node_cert_expiry" doc:"How long a node's certificate is valid, at least 1h; the engine's default is 2160h."`
	TaskHistory      val[int]          `yaml:"task_history" jsonschema:"minimum=0,maximum=100000" doc:"How many ended tasks of each slot of a service the managers remember; the engine's default is 5."`
	Heartbeat        val[duration]     `yaml:"heartbeat" doc:"How often nodes tell the managers that they live, 1s to 1h; after three missed ones a node is down. The engine's default is 5s."`
	SnapshotInterval val[int]          `yaml:"snapshot_interval" jsonschema:"minimum=1,maximum=10000000" doc:"After how many entries of their log the managers write a snapshot; the engine's default is 10000."`
	OldSnapshots     val[int]          `yaml:"keep_old_snapshots" jsonschema:"minimum=0,maximum=1000" doc:"How many snapshots they keep besides the last one; the engine's default is 0."`
	SlowFollowers    val[int]          `yaml:"log_entries_for_slow_followers" jsonschema:"minimum=1,maximum=10000000" doc:"How many entries they keep after a snapshot, for managers that lag behind; the engine's default is 500."`
	Autolock         val[lockWord]     `yaml:"autolock" doc:"Whether managers that restart are locked until they are given the swarm's key. A map says where that key is kept, and switches it on; false switches it off. Absent: left as it is."`
	Ingress          val[ingressKeys]  `yaml:"ingress" doc:"The network of published ports. What it says is made before any node joins."`
}

// lockKeys say where the key that unlocks managers is kept.
type lockKeys struct {
	KeyFile      val[string]       `yaml:"key_file" jsonschema:"example=./unlock.key" doc:"The file that holds it, which only its owner may read; relative to this file."`
	StoreCommand val[list[string]] `yaml:"store_command" jsonschema:"example=./keep-key" doc:"A program and its arguments, in the place of key_file: it gets the key on its standard input, in a line, and keeps it. It runs in this file's folder, without a shell, a minute at most."`
	LoadCommand  val[list[string]] `yaml:"load_command" jsonschema:"example=./show-key" doc:"The program that prints it again, run likewise."`
}

// ingressKeys are the settings of the ingress network.
type ingressKeys struct {
	MTU       val[int]    `yaml:"mtu" jsonschema:"minimum=576,maximum=65535,example=1400" doc:"The largest packet: that of the network beneath less 50 bytes, and 50 more with encrypted. Absent: 1450, the engine's default."`
	Subnet    val[string] `yaml:"subnet" jsonschema:"example=10.255.0.0/16" doc:"Its IPv4 range, an address for each node and one more. Absent: one of default_addr_pool."`
	Encrypted val[bool]   `yaml:"encrypted" doc:"Whether its traffic between nodes is encrypted, by IPsec. Absent: false."`
}

// group is an element of managers or workers: a node, or several alike.
type group struct {
	Name         val[string]      `yaml:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]{0\\,29}$" doc:"The node's name; with count, what its nodes' names begin with."`
	Count        val[int]         `yaml:"count" jsonschema:"minimum=0,maximum=1000" doc:"How many: count 2 of n gives n1 and n2. Lowering it takes the highest away. Absent: one node, called by the name alone."`
	Address      val[string]      `yaml:"address" jsonschema:"example=192.0.2.10" doc:"Where the machine is reached, a host name or an IP address. Provider ssh requires it, others refuse it."`
	EngineLabels val[labels]      `yaml:"engine_labels" doc:"Engine labels, over those of engine.labels."`
	Labels       val[labels]      `yaml:"labels" doc:"Swarm node labels, for constraints such as node.labels.zone==a."`
	Availability val[string]      `yaml:"availability" jsonschema:"enum=active,enum=pause,enum=drain" doc:"Whether the node takes tasks. Absent: active at the first join and left alone after."`
	Machine      val[machineKeys] `yaml:"machine" doc:"What the provider is asked for. A machine that is there stays as it was made until apply --replace makes it anew. Provider ssh takes machines as they are and refuses it."`
	SSH          val[nodeSSHKeys] `yaml:"ssh" doc:"The node's own SSH settings, over the cluster's."`
	Engine       val[engineKeys]  `yaml:"engine" doc:"The node's own engine settings, over the cluster's."`
	Advertise    val[string]      `yaml:"advertise" doc:"Which address the node tells the others: an IP address, an interface name, or a CIDR that holds it."`
	DataPath     val[string]      `yaml:"data_path" doc:"Which address carries overlay traffic, written like advertise. Absent: the advertised one."`
	Hooks        later            `yaml:"hooks" jsonschema:"-"`
	Files        later            `yaml:"files" jsonschema:"-"`
}

// machineKeys are what the provider docker can be asked for.
type machineKeys struct {
	CPUs   val[float64] `yaml:"cpus" jsonschema:"minimum=0.01,maximum=1024,example=1.5" doc:"Processors, fractions allowed. Absent: no limit."`
	Memory val[size]    `yaml:"memory" doc:"Memory, such as 512m or 2g. Absent: no limit."`
	Image  val[string]  `yaml:"image" doc:"The image of this machine. Absent: the provider's."`
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Comet.TestUtilities.Brokers;

/// <summary>A RabbitMQ node on loopback that writes to a scratch directory only. It can be stopped, killed and started again.</summary>
public sealed class RabbitNode : IAsyncDisposable
{
    /// <summary>Stands for the address and port of TLS in the settings of a node.</summary>
    public const string TlsAddress = "{tls}";

    private const string Programs = "/usr/lib/rabbitmq/bin";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly EpmdProcess _epmd;
    private readonly string _settings;
    private readonly int _distributionPort = FreePort();
    private Process? _process;
    private Task<string> _output = Task.FromResult("");

    /// <param name="directory">The scratch directory; nodes of one cluster share it.</param>
    /// <param name="epmd">The name server, which nodes of one cluster share.</param>
    /// <param name="name">The node's name, without the host.</param>
    /// <param name="settings">More lines for rabbitmq.conf.</param>
    public RabbitNode(string directory, EpmdProcess epmd, string name = "comet", string settings = "")
    {
        (Directory, _epmd, Name, _settings) = (directory, epmd, name, settings);
    }

    public string Name { get; }

    public string Directory { get; }

    public int Port { get; } = FreePort();

    public int TlsPort { get; } = FreePort();

    public string ConnectionString => $"amqp://guest:guest@127.0.0.1:{Port}/";

    /// <summary>Where the node keeps its streams and everything else.</summary>
    public string DataDirectory => Path.Combine(Directory, "mnesia");

    /// <summary>The CPU time that the node has used since its start.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process!.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Installs RabbitMQ if it is missing, as root on Debian.</summary>
    /// <exception cref="InvalidOperationException">It is missing and cannot be installed.</exception>
    public static void Install()
    {
        if (File.Exists($"{Programs}/rabbitmq-server"))
        {
            return;
        }
        if (File.Exists("/usr/bin/apt-get") && Environment.IsPrivilegedProcess)
        {
            Run("/usr/bin/apt-get", ["update"]);
            WithoutStarting(() => Run("/usr/bin/apt-get", ["install", "-y", "--no-install-recommends", "rabbitmq-server"]));
        }
        if (!File.Exists($"{Programs}/rabbitmq-server"))
        {
            throw new InvalidOperationException(
                "These tests need RabbitMQ: install rabbitmq-server (on Debian, root can leave that to the tests), "
                + "or name a broker in COMET_RABBITMQ, as in amqp://guest:guest@localhost:5672/.");
        }
    }

    public async Task StartAsync()
    {
        var settings = Path.Combine(Directory, $"{Name}.conf");
        var more = _settings.Replace(TlsAddress, $"127.0.0.1:{TlsPort}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(settings, $"listeners.tcp.1 = 127.0.0.1:{Port}\n{more}\n");
        await File.WriteAllTextAsync(Path.Combine(Directory, "enabled_plugins"), "[].\n");
        (_process, _output) = Start("rabbitmq-server", []);
        var waiting = Stopwatch.StartNew();
        while (!await IsListeningAsync())
        {
            if (_process.HasExited || waiting.Elapsed > Patience)
            {
                throw new InvalidOperationException($"RabbitMQ did not start: {await _output}");
            }
            await Task.Delay(100);
        }
    }

    /// <summary>Lets the node shut down.</summary>
    public async Task StopAsync()
    {
        using (var kill = Process.Start("kill", [$"{_process!.Id}"]))
        {
            await kill.WaitForExitAsync();
        }
        await _process.WaitForExitAsync().WaitAsync(Patience);
        await EndedAsync();
    }

    /// <summary>Ends the node at once, as kill -9 does.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        await EndedAsync();
    }

    /// <summary>Runs a tool, as in <c>rabbitmqctl list_connections</c>; its output.</summary>
    public async Task<string> ControlAsync(string tool, params string[] arguments)
    {
        var (process, output) = Start(tool, arguments);
        using (process)
        {
            var said = await output;
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? said : throw new InvalidOperationException($"{tool} {string.Join(' ', arguments)}: {said}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null)
        {
            return;
        }
        if (!_process.HasExited)
        {
            await KillAsync();
        }
        _process.Dispose();
    }

    public static int FreePort()
    {
        // Below the ports that connections get, so that the port is still free when a node starts again.
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(12_000, 32_000));
            try
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next attempt takes another port.
            }
        }
    }

    private (Process Process, Task<string> Output) Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Programs, program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var environment = start.Environment;
        environment["HOME"] = Directory;
        environment["RABBITMQ_NODENAME"] = $"{Name}@localhost";
        environment["RABBITMQ_CONFIG_FILE"] = Path.Combine(Directory, $"{Name}.conf");
        environment["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(Directory, "enabled_plugins");
        environment["RABBITMQ_MNESIA_BASE"] = DataDirectory;
        environment["RABBITMQ_LOG_BASE"] = Path.Combine(Directory, "log");
        environment["RABBITMQ_PID_FILE"] = Path.Combine(Directory, $"{Name}.pid");
        environment["RABBITMQ_CONF_ENV_FILE"] = "/dev/null";
        environment["RABBITMQ_DIST_PORT"] = $"{_distributionPort}";
        environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}"
            + " +sbwt none +sbwtdcpu none +sbwtdio none"; // an idle broker leaves the processor to the tests
        environment["RUNNING_UNDER_SYSTEMD"] = "true"; // no shell stays above the node, so that a signal reaches it
        environment["ERL_EPMD_ADDRESS"] = "127.0.0.1";
        environment["ERL_EPMD_PORT"] = $"{_epmd.Port}";
        var process = Process.Start(start)!;
        return (process, Task.Run(async () =>
        {
            var error = process.StandardError.ReadToEndAsync();
            return await process.StandardOutput.ReadToEndAsync() + await error;
        }));
    }

    private async Task EndedAsync()
    {
        if (await IsListeningAsync())
        {
            throw new InvalidOperationException($"The node {Name} was ended, but something still listens on its port {Port}.");
        }
    }

    private async Task<bool> IsListeningAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // Debian starts what it installs, unless this file says no.
    private static void WithoutStarting(Action install)
    {
        const string Policy = "/usr/sbin/policy-rc.d";
        if (File.Exists(Policy))
        {
            install();
            return;
        }
        File.WriteAllText(Policy, "#!/bin/sh\nexit 101\n");
        Run("/bin/chmod", ["+x", Policy]);
        try
        {
            install();
        }
        finally
        {
            File.Delete(Policy);
        }
    }

    private static void Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
    }
}

using CometBench.Load;
using CometBench.Load.Servers;
using CometBench.Load.Suites;

// One thread reads all sockets and runs what they complete, as an epoll loop would: the client shares the machine with the server it
// measures. Read by the runtime when the first socket is used; other systems than Unix ignore it.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1");

if (args is ["--help" or "-h"])
{
    Console.WriteLine(Settings.Usage);
    return 0;
}
Settings settings;
try
{
    settings = Settings.Parse(args);
}
catch (FormatException exception)
{
    Console.Error.WriteLine(exception.Message);
    Console.Error.WriteLine(Settings.Usage);
    return 2;
}
var servers = ServerKind.All.Where(server => settings.Servers is [] || settings.Servers.Contains(server.Name)).ToArray();
switch (settings.Suite)
{
    case "compare":
        await new CompareSuite(settings, servers).RunAsync();
        return 0;
    case "growth":
        await new GrowthSuite(settings).RunAsync();
        return 0;
    case "slow":
        await new SlowSuite(settings).RunAsync();
        return 0;
    case "stop":
        await new StopSuite(settings).RunAsync();
        return 0;
    default:
        Console.Error.WriteLine(Settings.Usage);
        return 2;
}

using CometBench;
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
if (!Nchan.IsInstalled && settings.Suite == "compare" && settings.Servers is [])
{
    Console.Error.WriteLine("nchan is not installed: not measured. On Debian: apt-get install nginx-light libnginx-mod-nchan");
}
ServerKind[] servers =
[
    .. ServerKind.All
        .Where(server => settings.Servers is [] ? !server.IsNchan || Nchan.IsInstalled : settings.Servers.Contains(server.Name))
        .Where(server => server.CanTake(settings.Route))
        .Select(server => server with { Route = settings.Route, PerConnection = settings.PerConnection }),
];
try
{
    await Machine.WaitUntilQuietAsync();
}
catch (InvalidOperationException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 3;
}
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
    case "latest":
        await new LatestSuite(settings).RunAsync();
        return 0;
    case "stop":
        await new StopSuite(settings).RunAsync();
        return 0;
    default:
        Console.Error.WriteLine(Settings.Usage);
        return 2;
}

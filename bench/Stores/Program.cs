using CometBench.Stores;

const string Usage = """
    dotnet run -c Release --project bench/Stores -- command [options]

    commands and their options (default)
      chaos     kill a server with a SQLite store again and again, while it is published to and read; count what was lost or doubled
                --seed 1  --kills 20  --rate 2000  --readers 20  --publishers 32
      publish   publishes a second and their latency, in memory and in SQLite
                --publishers 1,8,64  --seconds 3  --size 100  --retain 100000  --rounds 3
      retained  time to start with a full log, and to read it from the oldest event on
                --entries 1000000  --size 100
      restart   memory of clients that read all there is at once: from a server that has just started, and from one that published it
                --entries 1000  --size 200  --clients 5000  --rounds 3
      stalled   what a client costs that resumes from the oldest event and reads nothing, beside one that waits for the next event
                --entries 1000  --size 4096  --clients 200,1000  --rounds 3
    all         --folder (a new one in the folder for temporary files)
    """;

if (args is [])
{
    Console.Error.WriteLine(Usage);
    return 2;
}
var settings = new ConfigurationBuilder().AddCommandLine(args[1..]).Build();
if (args[0] == "serve")
{
    StoreServer.Run(args[1..]);
    return 0;
}
var folder = settings["folder"] is { } named ? Directory.CreateDirectory(named) : Directory.CreateTempSubdirectory("comet-bench-");
try
{
    switch (args[0])
    {
        case "chaos":
            return await ChaosRun.RunAsync(settings, folder.FullName) ? 0 : 1;
        case "publish":
            await PublishRun.RunAsync(settings, folder.FullName);
            return 0;
        case "retained":
            await RetainedRun.RunAsync(settings, folder.FullName);
            return 0;
        case "restart":
            await RestartRun.RunAsync(settings, folder.FullName);
            return 0;
        case "stalled":
            await StalledRun.RunAsync(settings, folder.FullName);
            return 0;
        default:
            Console.Error.WriteLine(Usage);
            return 2;
    }
}
finally
{
    if (settings["folder"] is null)
    {
        folder.Delete(recursive: true);
    }
}

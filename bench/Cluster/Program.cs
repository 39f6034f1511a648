using CometBench.Cluster;

const string Usage = """
    dotnet run -c Release --project bench/Cluster -- command [options]

    two servers that share a RabbitMQ broker, behind nginx; commands and their options (default)
      calm      publish to both, read through nginx, count what was lost or doubled
                --messages 20000  --readers 100  --rate 1000  --publishers 16
      chaos     the same while servers and the broker are killed, stopped and cut off
                --seeds 1,2,3,4,5  --messages 20000  --readers 100  --rate 250  --publishers 16
      leader    the same with a broker of three nodes, while the one that leads the stream is killed, twice
                --messages 20000  --readers 100  --rate 250  --publishers 16
      browsers  what the broker has open for few and many browsers
                --browsers 10,2000
      page      a page in a real browser while the servers are killed by turns
                --kills 4
      publish   confirmed publishes a second and delivery, beside the log in memory
                --publishers 1,8,64  --rates 200,1000  --seconds 3  --size 100  --rounds 3
      costs     CPU that a message takes at the broker and at the servers, by the number of servers
                --servers 1,2,4,8  --messages 20000  --size 100
    """;

if (args is [])
{
    Console.Error.WriteLine(Usage);
    return 2;
}
var settings = new ConfigurationBuilder().AddCommandLine(args[1..]).Build();
switch (args[0])
{
    case "serve":
        ClusterServer.Run(args[1..]);
        return 0;
    case "calm":
        settings["rate"] ??= "1000";
        return await ChaosRun.RunAsync(settings, 1, "calm", Mishaps.NoneAsync) ? 0 : 1;
    case "chaos":
        var holds = true;
        foreach (var seed in (settings["seeds"] ?? "1,2,3,4,5").Split(',').Select(int.Parse))
        {
            holds &= await ChaosRun.RunAsync(settings, 1, $"seed {seed}", Mishaps.AllOf(seed));
        }
        return holds ? 0 : 1;
    case "leader":
        return await ChaosRun.RunAsync(settings, 3, "three nodes", Mishaps.KillLeadersAsync) ? 0 : 1;
    case "browsers":
        await BrowsersRun.RunAsync(settings);
        return 0;
    case "page":
        return await PageRun.RunAsync(settings) ? 0 : 1;
    case "publish":
        await PublishRun.RunAsync(settings);
        return 0;
    case "costs":
        await CostRun.RunAsync(settings);
        return 0;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}

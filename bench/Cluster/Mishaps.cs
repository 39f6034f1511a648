namespace CometBench.Cluster;

/// <summary>What goes wrong while messages flow.</summary>
internal static class Mishaps
{
    internal static Task NoneAsync(Site site, Action<string> say) => Task.CompletedTask;

    /// <summary>
    /// Everything that can happen to a broker of one node and its servers, in an order and at times that the seed decides.
    /// </summary>
    internal static Func<Site, Action<string>, Task> AllOf(int seed) => async (site, say) =>
    {
        var random = new Random(seed);
        var (killed, cut) = (random.Next(2), random.Next(2));
        Func<Task>[] all =
        [
            async () =>
            {
                say($"kill -9 of server {killed + 1}");
                await site.Servers[killed].KillAsync();
                await Task.Delay(random.Next(500, 3000));
                await site.Servers[killed].StartAsync();
                say("  it is ready again");
            },
            async () =>
            {
                say("the broker is stopped");
                await site.Nodes[0].StopAsync();
                say("  it has stopped");
                await Task.Delay(TimeSpan.FromSeconds(10));
                await site.Nodes[0].StartAsync();
                say("  it listens again after 10 s and its start");
            },
            async () =>
            {
                say("kill -9 of the broker");
                await site.Nodes[0].KillAsync();
                await site.Nodes[0].StartAsync();
                say("  it listens again");
            },
            async () =>
            {
                var time = TimeSpan.FromSeconds(random.Next(3, 16));
                say($"server {cut + 1} is cut off from the broker, for {time.TotalSeconds} s");
                site.Proxies[cut].Silence();
                await Task.Delay(time);
                site.Proxies[cut].Open();
                say("  the cut is healed");
            },
        ];
        random.Shuffle(all);
        foreach (var mishap in all)
        {
            await Task.Delay(random.Next(3000, 8000));
            await mishap();
        }
    };

    /// <summary>The node that leads the stream is killed, and started again later; twice.</summary>
    internal static async Task KillLeadersAsync(Site site, Action<string> say)
    {
        for (var kill = 1; kill <= 2; kill++)
        {
            await Task.Delay(TimeSpan.FromSeconds(8));
            var up = site.Nodes.First(node => node.IsRunning);
            var queues = await up.ControlAsync("rabbitmqctl", "list_queues", "name", "leader", "--silent");
            var leader = site.Nodes.Single(node => queues.Contains($"{node.Name}@", StringComparison.Ordinal));
            say($"kill -9 of {leader.Name}, which leads the stream");
            await leader.KillAsync();
            await Task.Delay(TimeSpan.FromSeconds(15));
            await leader.StartAsync();
            say("  it listens again");
        }
        await Task.Delay(TimeSpan.FromSeconds(5));
    }
}

using System.Diagnostics;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>Clients of many quiet keys come back over HTTP after a restart, when others of the family have written much.</summary>
[Trait("Category", "Matrix")]
public sealed class QuietClientsTests(Broker broker)
{
    private const int Others = 20_000;
    private const int AtOnce = 500;

    private readonly string _family = Server.NewName();
    private readonly RecordedLog _messages = new();

    private int Scans => _messages.Entries.Count(entry => entry.EventId.Name == "RabbitMQStreamScanned");

    [Fact]
    public Task Fifty_are_served_and_need_no_scan_the_second_time() => ComeBackAsync(keys: 50);

    [Fact]
    public Task Ten_thousand_are_served_and_need_no_scan_the_second_time() => ComeBackAsync(keys: 10_000);

    private async Task ComeBackAsync(int keys)
    {
        FeedPosition[] firsts, lasts;
        await using (var before = await StartAsync())
        {
            (firsts, lasts) = (await PublishToAllAsync(before, keys), await PublishToAllAsync(before, keys));
            foreach (var batch in Enumerable.Range(0, Others).Chunk(AtOnce))
            {
                await Task.WhenAll(batch.Select(_ => before.Feed("busy").PublishAsync("text").AsTask()));
            }
        }
        await using var server = await StartAsync();

        await ResumeAllAsync(server, "first ids, after the restart", firsts, messages: 1);
        await ResumeAllAsync(server, "last ids", lasts, messages: 0);
        await NeedNoScanAsync(server, "last ids again", lasts, messages: 0); // nobody has missed anything
        await NeedNoScanAsync(server, "first ids again", firsts, messages: 1); // what was missed is in memory
    }

    // The server reads more of the RabbitMQ stream into memory meanwhile, which takes as long as it takes.
    private async Task NeedNoScanAsync(StreamingServer server, string what, FeedPosition[] positions, int messages)
    {
        var clock = Stopwatch.StartNew();
        var (attempts, scans) = (0, 0);
        do
        {
            scans = await ResumeAllAsync(server, what, positions, messages);
            attempts++;
        }
        while (scans > 0 && (attempts < 5 || clock.Elapsed < Eventually.Patience));
        Assert.True(scans == 0, $"With their {what}, {positions.Length} clients needed {scans} scans at the {attempts}th time.");
    }

    private Task<StreamingServer> StartAsync() => StreamingServer.StartAsync(broker.ConnectionString, _family, _messages);

    private static async Task<FeedPosition[]> PublishToAllAsync(StreamingServer server, int keys)
    {
        var positions = new List<FeedPosition>();
        foreach (var batch in Enumerable.Range(0, keys).Chunk(AtOnce))
        {
            positions.AddRange(await Task.WhenAll(batch.Select(key => server.Feed($"{key}").PublishAsync("text").AsTask())));
        }
        return [.. positions];
    }

    // Returns how many scans there were meanwhile.
    private async Task<int> ResumeAllAsync(StreamingServer server, string what, FeedPosition[] positions, int messages)
    {
        var (before, clock) = (Scans, Stopwatch.StartNew());
        using var places = new SemaphoreSlim(AtOnce);
        await Task.WhenAll(positions.Select(async (position, key) =>
        {
            await places.WaitAsync(TestContext.Current.CancellationToken);
            try
            {
                await server.ResumeAsync($"{key}", position, messages);
            }
            finally
            {
                places.Release();
            }
        }));
        var scans = Scans - before;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{positions.Length} with their {what}: {clock.Elapsed.TotalSeconds:0.0} s, {scans} scans");
        return scans;
    }
}

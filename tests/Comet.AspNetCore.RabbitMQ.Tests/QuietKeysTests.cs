using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>Many clients of quiet feeds come back to a server that has just started, when others of the family have written much.</summary>
[Trait("Category", "Matrix")]
public sealed class QuietKeysTests(Broker broker)
{
    private const int Keys = 50;

    private readonly string _family = Server.NewName();
    private readonly RecordedLog _messages = new();

    private int Scans => _messages.Entries.Count(entry => entry.EventId.Name == "RabbitMQStreamScanned");

    // With the default there is room in memory for everything, otherwise for little more than who has entries where.
    [Theory]
    [InlineData(null, 16, 0)]
    [InlineData(64L * 1024, 16, 8)]
    public async Task Everybody_is_served_by_a_few_scans(long? recentBytes, int firstScans, int secondScans)
    {
        await using var first = await StartAsync();
        var (before, after) = (await PublishToAllAsync(first), await PublishToAllAsync(first));
        await PublishToBusyAsync(first, 20_000);
        await using var second = await StartAsync(recentBytes);

        await ReadAllAsync(second, after, expected: 0);
        await ReadAllAsync(second, before, expected: 1);

        Assert.InRange(Scans, 0, firstScans);
        // A server that has just started goes on to fill its memory.
        await Eventually.HoldsAsync(
            async () => await ScansOfAsync(second, after, expected: 0) == 0,
            "nobody who has missed nothing needs a scan");
        await Eventually.HoldsAsync(
            async () => await ScansOfAsync(second, before, expected: 1) <= secondScans,
            "a few scans serve the others");
    }

    [Theory]
    [InlineData(null)]
    [InlineData(64L * 1024)]
    public async Task The_newest_message_of_each_is_found_by_a_few_scans_and_again_without_any(long? recentBytes)
    {
        await using var first = await StartAsync();
        var positions = await PublishToAllAsync(first);
        await PublishToBusyAsync(first, 20_000);
        await using var second = await StartAsync(recentBytes);

        Assert.InRange(await FindAllAsync(), 0, 16);

        // A server that has just started goes on to fill its memory.
        await Eventually.HoldsAsync(async () => await FindAllAsync() == 0, "nobody needs a scan any more");

        async Task<int> FindAllAsync()
        {
            var before = Scans;
            await Task.WhenAll(positions.Select(async (position, key) =>
            {
                await using var log = await second.OpenAsync($"{_family}/{key}", new RecordingTail());
                var found = await log.FindNewestAsync(1, TestContext.Current.CancellationToken);
                Assert.Equal(position.Epoch, found.Epoch);
                Assert.InRange(found.Offset, 0, position.Offset - 1);
            })).WithPatience();
            return Scans - before;
        }
    }

    [Fact]
    public async Task A_quiet_feed_that_is_open_keeps_up_with_its_log()
    {
        await using var first = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await first.OpenAsync($"{_family}/0", tail);
        var position = await log.AppendAsync("1");

        await PublishToBusyAsync(first, 1000);

        await Eventually.HoldsAsync(() => tail.Head.Offset >= position.Offset + 1000, "the feed's position follows the log");
        await using var second = await StartAsync(recentBytes: 0);
        await using var again = await second.OpenAsync($"{_family}/0", new RecordingTail());
        Assert.Empty((await again.ReadAsync(tail.Head.Offset, 10, TestContext.Current.CancellationToken)).Entries);
        Assert.Equal(0, Scans);
    }

    private Task<StoreHost> StartAsync(long? recentBytes = null) => StoreHost.StartAsync(builder =>
    {
        builder.Logging.AddProvider(_messages).SetMinimumLevel(LogLevel.Debug);
        builder.AddPatientRabbitMQ(
            broker.ConnectionString,
            options => (options.Partitions, options.RecentBytes) = (1, recentBytes ?? options.RecentBytes));
    });

    private async Task<FeedPosition[]> PublishToAllAsync(StoreHost server) =>
        await Task.WhenAll(Enumerable.Range(0, Keys).Select(key => Feed(server, $"{key}").PublishAsync("text").AsTask()));

    private async Task PublishToBusyAsync(StoreHost server, int count)
    {
        var busy = Feed(server, "busy");
        foreach (var batch in Enumerable.Range(0, count).Chunk(1000))
        {
            await Task.WhenAll(batch.Select(_ => busy.PublishAsync("text").AsTask()));
        }
    }

    private async Task ReadAllAsync(StoreHost server, FeedPosition[] positions, int expected)
    {
        await Task.WhenAll(positions.Select(async (position, key) =>
        {
            await using var log = await server.OpenAsync($"{_family}/{key}", new RecordingTail());
            var page = await log.ReadAsync(position.Offset, 10, TestContext.Current.CancellationToken);
            Assert.Equal((position.Epoch, expected), (page.Epoch, page.Entries.Count));
            Assert.True(page.TrimmedThrough <= position.Offset);
        })).WithPatience();
    }

    private async Task<int> ScansOfAsync(StoreHost server, FeedPosition[] positions, int expected)
    {
        var before = Scans;
        await ReadAllAsync(server, positions, expected);
        return Scans - before;
    }

    private Feed<string> Feed(StoreHost server, string key) => server.Feed($"{_family}/{key}", new FeedOptions());
}

using System.Collections.Concurrent;
using System.Text;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.RabbitMQ.Tests;

public sealed class BrokerUnreachableTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Publishing_fails_and_says_why(bool silently)
    {
        await using var proxy = broker.NewProxy();
        await using var server = await Server.StartAsync(broker.Through(proxy), options => options.Timeout = TimeSpan.FromSeconds(5));
        await using var log = await server.OpenAsync(_feed, new RecordingTail());
        if (silently)
        {
            proxy.Silence();
        }
        else
        {
            proxy.Close();
        }

        var exception = await Assert.ThrowsAsync<FeedUnavailableException>(() => log.AppendAsync("1"));

        Assert.Contains("RabbitMQ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publishing_waits_for_a_broker_that_comes_back_in_time()
    {
        await using var proxy = broker.NewProxy();
        await using var server = await Server.StartAsync(broker.Through(proxy), options => options.Timeout = TimeSpan.FromSeconds(20));
        var tail = new RecordingTail();
        await using var log = await server.OpenAsync(_feed, tail);
        proxy.Close();
        await server.BecomesAsync(HealthStatus.Unhealthy);

        var appending = Task.WhenAll(Enumerable.Range(0, 10).Select(number => log.AppendAsync($"{number}")));
        proxy.Open();

        var positions = await appending;
        Assert.Equal(positions.Select(position => position.Offset), (await tail.ReceiveAsync(10)).Select(entry => entry.Offset));
        Assert.Equal(Payloads.Numbers(0, 10), tail.Texts);
    }

    [Fact]
    public async Task Readiness_fails_and_open_feeds_catch_up_afterwards()
    {
        await using var proxy = broker.NewProxy();
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.Through(proxy));
        var tail = new RecordingTail();
        await using var here = await first.OpenAsync(_feed, new RecordingTail());
        await using var there = await second.OpenAsync(_feed, tail);
        await here.AppendAsync("0");
        await tail.ReceiveAsync(1);
        await second.BecomesAsync(HealthStatus.Healthy);

        proxy.Close();
        await second.BecomesAsync(HealthStatus.Unhealthy);
        await Task.WhenAll(Payloads.Numbers(1, 99).Select(here.AppendAsync));
        Assert.Equal(["0"], tail.Texts);
        proxy.Open();

        await tail.ReceiveAsync(100);
        Assert.Equal(Payloads.Numbers(0, 100), tail.Texts);
        Assert.Equal(1, tail.Resets);
        await second.BecomesAsync(HealthStatus.Healthy);
        Assert.Equal(HealthStatus.Healthy, await first.ReadinessAsync());
    }

    [Fact]
    public async Task A_server_starts_without_a_broker_and_serves_when_there_is_one()
    {
        await using var proxy = broker.NewProxy();
        proxy.Close();
        await using var server = await Server.StartAsync(broker.Through(proxy), options => options.Timeout = TimeSpan.FromSeconds(1));
        Assert.Equal(HealthStatus.Unhealthy, await server.ReadinessAsync());
        await Assert.ThrowsAsync<FeedUnavailableException>(() => server.OpenAsync(_feed, new RecordingTail()));

        proxy.Open();
        await server.BecomesAsync(HealthStatus.Healthy);

        await using var log = await server.OpenAsync(_feed, new RecordingTail());
        await log.AppendAsync("1");
    }

    [Fact]
    public async Task A_server_stops_in_time_when_the_broker_has_fallen_silent()
    {
        await using var proxy = broker.NewProxy();
        var server = await Server.StartAsync(broker.Through(proxy), options => options.Timeout = TimeSpan.FromMinutes(1));
        await using var log = await server.OpenAsync(_feed, new RecordingTail());
        proxy.Silence();

        await server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Cut_connections_lose_nothing_and_repeat_nothing(int seed)
    {
        const int Messages = 2000;
        var random = new Random(seed);
        await using var proxy = broker.NewProxy();
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.Through(proxy), options =>
        {
            options.Heartbeat = TimeSpan.FromSeconds(1);
            options.RecentBytes = 4096;
        });
        var (here, there) = (new RecordingTail(), new RecordingTail());
        await using var hereLog = await first.OpenAsync(_feed, here);
        await using var thereLog = await second.OpenAsync(_feed, there);
        var confirmed = new ConcurrentDictionary<long, string>();
        var failed = 0;

        var publishing = Parallel.ForEachAsync(
            Enumerable.Range(0, Messages),
            new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = TestContext.Current.CancellationToken },
            async (number, _) =>
            {
                await Task.Delay(20, CancellationToken.None); // so that the cuts fall in between
                try
                {
                    var position = await (number % 2 == 0 ? hereLog : thereLog).AppendAsync($"{number}");
                    Assert.True(confirmed.TryAdd(position.Offset, $"{number}"), "Two messages got the same position.");
                }
                catch (FeedUnavailableException)
                {
                    Interlocked.Increment(ref failed);
                }
            });
        while (!publishing.IsCompleted)
        {
            await Task.WhenAny(publishing, Task.Delay(random.Next(50, 400), CancellationToken.None));
            switch (random.Next(4))
            {
                case 0: // the network is silent for a while, shorter or longer than a heartbeat
                    proxy.Silence();
                    await Task.Delay(random.Next(100, 3000), CancellationToken.None);
                    break;
                case 1: // connections are reset
                    proxy.Close();
                    await Task.Delay(random.Next(0, 300), CancellationToken.None);
                    break;
                default: // what was sent over the old connection arrives after the new one is open
                    proxy.Silence();
                    await Task.Delay(random.Next(20, 100), CancellationToken.None);
                    await proxy.StrandAsync(TimeSpan.FromMilliseconds(random.Next(500, 2500)));
                    break;
            }
            proxy.Open();
        }
        await publishing;
        var end = await hereLog.AppendAsync("\"end\"");
        await there.ReceiveAsync(here.Entries.Count);

        var entries = here.Entries;
        var what = $"Seed {seed}: {confirmed.Count} confirmed, {failed} failed, {entries.Count} in the log.";
        Assert.True(confirmed.Count > Messages / 2, what);
        Assert.Equal(Ids(entries), Ids(there.Entries));
        Assert.Equal(end.Offset, entries[^1].Offset);
        Assert.True(entries.Count == entries.Select(Text).Distinct().Count(), $"{what} Some entries are there twice.");
        var stored = entries.ToDictionary(entry => entry.Offset, Text);
        Assert.True(
            confirmed.All(pair => stored.GetValueOrDefault(pair.Key) == pair.Value),
            $"{what} Some confirmed entries are at other offsets.");
        Assert.Equal(1, here.Resets);
        Assert.Equal(1, there.Resets);

        // A server that begins to read now gets the same log, wherever it begins.
        await using var third = await Server.StartAsync(broker.ConnectionString, options => options.RecentBytes = 0);
        await using var late = await third.OpenAsync(_feed, new RecordingTail());
        foreach (var after in (long[])[0, entries[entries.Count / 3].Offset, entries[^100].Offset])
        {
            var read = new List<FeedEntry>();
            while (await late.ReadAsync(read.Count == 0 ? after : read[^1].Offset, 100, CancellationToken.None) is { Entries.Count: > 0 } page)
            {
                read.AddRange(page.Entries);
            }
            Assert.Equal(Ids(entries.Where(entry => entry.Offset > after)), Ids(read));
        }
    }

    private static List<(long Offset, string Text)> Ids(IEnumerable<FeedEntry> entries) =>
        entries.Select(entry => (entry.Offset, Text(entry))).ToList();

    private static string Text(FeedEntry entry) => Encoding.UTF8.GetString(entry.Payload.Span);
}

using System.Collections.Concurrent;
using System.Text;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>A network that fails at random.</summary>
[Trait("Category", "Matrix")]
public sealed class CutConnectionsTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

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
            while (await late.ReadAsync(
                read.Count == 0 ? after : read[^1].Offset, 100, CancellationToken.None) is { Entries.Count: > 0 } page)
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

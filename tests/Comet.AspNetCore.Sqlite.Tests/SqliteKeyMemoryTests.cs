using Comet.AspNetCore.Feeds;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>A definition for tests that measure the process.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>What a key costs that was published to once and is quiet. Runs alone, as it measures the process.</summary>
[Collection(nameof(Alone))]
public sealed class SqliteKeyMemoryTests : SqliteFileTests
{
    [Fact]
    public async Task A_quiet_key_costs_less_than_two_hundred_bytes_in_memory()
    {
        const int Keys = 20_000;
        var time = new ManualTime();
        await using var host = await StartAsync(time);
        var rooms = host.Feeds("rooms", new FeedOptions());
        await using var other = await OpenAsync(host, new RecordingTail(), feed: "other");
        await PublishAsync(0, 1000);

        var grown = await HeldMemory.MedianGrowthAsync(round => PublishAsync((round + 1) * Keys, Keys));

        Assert.InRange(grown / Keys, -100, 199);
        Assert.Equal(1000L + (HeldMemory.Rounds * Keys), Query("SELECT count(*) FROM feeds WHERE name <> 'other'"));

        async Task PublishAsync(int from, int count)
        {
            foreach (var some in Enumerable.Range(from, count).Chunk(500))
            {
                await Task.WhenAll(some.Select(key => rooms.Get($"room {key}").PublishAsync("what is published once").AsTask()))
                    .WithPatience();
            }
            var registry = host.Services.GetRequiredService<FeedRegistry>();
            await Eventually.HoldsAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromSeconds(6));
                    return registry.Count == 0;
                },
                "the feeds leave the memory");
            await AppendAsync(other, 1);
            await AppendAsync(other, 2); // the store forgets at the end of a batch those that have left before it
        }
    }
}

using Comet.AspNetCore.Feeds;
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
        await PublishAsync(0, 1000);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        await PublishAsync(1000, Keys);

        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Keys;
        Assert.InRange(each, -100, 199); // what the first thousand left may have gone since
        Assert.Equal(1000L + Keys, Query("SELECT count(*) FROM entries"));

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
        }
    }
}

using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>What a key costs that was published to once. Runs alone, as it measures the process.</summary>
[Collection(nameof(Alone))]
public class KeyedFeedMemoryTests
{
    [Fact]
    public async Task A_key_costs_less_than_a_kilobyte_in_memory()
    {
        const int Keys = 10_000;
        await using var app = await TestApp.StartAsync(_ => { }, builder => builder.Services.AddKeyedFeeds<string>("rooms"));
        var rooms = app.Services.GetRequiredService<KeyedFeeds<string>>();
        await rooms.Get("first").PublishAsync("1");

        var grown = await HeldMemory.MedianGrowthAsync(async round =>
        {
            for (var i = 0; i < Keys; i++)
            {
                await rooms.Get($"room {round} {i}").PublishAsync("what is published once");
            }
        });

        Assert.InRange(grown / Keys, 1, 1023);
    }
}

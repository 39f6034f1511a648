using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>
/// Readers of many feeds on one connection each, which is cut anywhere: every one gets every message of its feeds once and in order, in all
/// formats, with sets of feeds that change, and by the one id that native <c>EventSource</c> sends back.
/// </summary>
public class SeveralFeedsCutTests
{
    private const int Feeds = 30;
    private const int FeedsOfReader = 20;
    private const int Readers = 50;
    private const int Messages = 60; // of each feed

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 8)]
    [InlineData(4, 1, Traits = ["Category", "Matrix"])]
    [InlineData(5, 2, Traits = ["Category", "Matrix"])]
    [InlineData(6, 8, Traits = ["Category", "Matrix"])]
    [InlineData(7, 1, Traits = ["Category", "Matrix"])]
    [InlineData(8, 2, Traits = ["Category", "Matrix"])]
    [InlineData(9, 8, Traits = ["Category", "Matrix"])]
    [InlineData(10, 2, Traits = ["Category", "Matrix"])]
    public async Task Nothing_is_lost_or_doubled(int seed, int lanes)
    {
        await using var app = await StartAsync(lanes);
        using var deadline = new Deadline();
        var readers = Enumerable.Range(0, Readers).Select(i =>
            new SeveralFeedsReader(app.Client, () => app.Url, (CometFormat)(i % 3), new Random((seed * 1000) + i))).ToList();
        var all = Enumerable.Range(0, Feeds).Select(static i => $"n/{i}").ToList();
        var reading = readers.ConvertAll(reader => reader.RunAsync(all, FeedsOfReader, last: Messages - 1, deadline.Token));
        await Eventually.HoldsAsync(() => app.OpenStreams == Readers, "all are connected");

        await PublishAsync(app, new Random(seed));

        await foreach (var one in Task.WhenEach(reading))
        {
            await one; // the first that fails, as others may wait for what is lost for ever
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"seed {seed}, {lanes} lanes: {readers.Sum(static reader => reader.Cuts)} cuts, " +
            $"{readers.Sum(static reader => reader.Received.Values.Sum(static received => received.Count))} messages read");
        foreach (var received in readers.SelectMany(static reader => reader.Received.Values))
        {
            Assert.Equal(Enumerable.Range(0, Messages), received.Select(static message => message.Value));
        }
        Assert.All(readers, static reader => Assert.InRange(reader.Received.Count, FeedsOfReader, Feeds));
        Assert.True(readers.Exists(static reader => reader.Received.Count > FeedsOfReader), "No set of feeds has changed.");
        Assert.True(readers.Sum(static reader => reader.Cuts) > Readers, "Hardly anything was cut.");
    }

    private static async Task PublishAsync(TestApp app, Random random)
    {
        var feeds = app.Services.GetRequiredService<KeyedFeeds<int>>();
        var next = new int[Feeds];
        while (true)
        {
            var open = Enumerable.Range(0, Feeds).Where(i => next[i] < Messages).ToList();
            if (open.Count == 0)
            {
                return;
            }
            for (var burst = random.Next(1, 20); burst > 0; burst--)
            {
                var feed = open[random.Next(open.Count)];
                if (next[feed] < Messages)
                {
                    await feeds.Get($"{feed}").PublishAsync(next[feed]++);
                }
            }
            await Task.Delay(random.Next(0, 3), TestContext.Current.CancellationToken);
        }
    }

    private static Task<TestApp> StartAsync(int lanes) => TestApp.StartAsync(
        static app =>
        {
            var feeds = app.Services.GetRequiredService<KeyedFeeds<int>>();
            app.MapMethods("/", ["GET", "POST"], () => CometResults.Feeds([feeds.Where(static _ => true)], "parent.f"));
        },
        builder =>
        {
            builder.Services.AddKeyedFeeds<int>("n");
            builder.Services.AddSingleton(provider => new Lanes(provider.GetRequiredService<ConnectionServices>(), lanes));
        });
}

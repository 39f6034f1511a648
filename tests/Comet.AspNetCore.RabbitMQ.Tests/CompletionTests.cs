using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>A feed that is completed on one server is so on all of them, as far as they know its newest entry.</summary>
public sealed class CompletionTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

    [Fact]
    public async Task Completed_on_one_server_it_is_completed_on_those_that_run_and_those_that_start_later()
    {
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.ConnectionString);
        var (here, there) = (first.Feed(_feed, new FeedOptions()), second.Feed(_feed, new FeedOptions()));
        await here.PublishAsync("1");
        var reading = ReadToEndAsync(there, FeedPosition.Earliest);
        await there.PublishAsync("2");

        await here.CompleteAsync();

        Assert.Equal(["1", "2"], await reading);
        await AssertCompletedAsync(there);
        await using var third = await Server.StartAsync(broker.ConnectionString);
        await AssertCompletedAsync(third.Feed(_feed, new FeedOptions()));
    }

    [Fact]
    public async Task Servers_that_publish_and_complete_at_once_agree_on_what_was_published()
    {
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.ConnectionString);
        Feed<string>[] feeds = [first.Feed(_feed, new FeedOptions()), second.Feed(_feed, new FeedOptions())];

        var publishing = Task.WhenAll(feeds.SelectMany((feed, server) => Enumerable.Range(0, 8).Select(async publisher =>
        {
            var confirmed = new List<string>();
            for (var number = 0; ; number++)
            {
                try
                {
                    await feed.PublishAsync($"{server}:{publisher}:{number}");
                }
                catch (FeedCompletedException)
                {
                    return confirmed;
                }
                confirmed.Add($"{server}:{publisher}:{number}");
            }
        })));
        await Task.Delay(50);
        await Task.WhenAll(feeds.Select(feed => feed.CompleteAsync().AsTask())).WithPatience();

        var confirmed = (await publishing.WithPatience()).SelectMany(texts => texts).Order().ToList();
        var read = await ReadToEndAsync(feeds[0], FeedPosition.Earliest);
        Assert.NotEmpty(confirmed);
        Assert.Equal(confirmed, read.Order());
        Assert.Equal(read, await ReadToEndAsync(feeds[1], FeedPosition.Earliest));
        await using var third = await Server.StartAsync(broker.ConnectionString);
        Assert.Equal(read, await ReadToEndAsync(third.Feed(_feed, new FeedOptions()), FeedPosition.Earliest));
    }

    [Fact]
    public async Task A_completion_that_is_in_memory_no_longer_is_known_from_the_start()
    {
        await using (var first = await StartAsync())
        {
            var (feed, other) = (first.Feed($"{_feed}/done", new FeedOptions()), first.Feed($"{_feed}/other", new FeedOptions()));
            await feed.PublishAsync("1");
            await feed.CompleteAsync();
            await Task.WhenAll(Enumerable.Range(0, 20).Select(number => other.PublishAsync($"{number}").AsTask())).WithPatience();
        }
        await using var second = await StartAsync();
        var again = second.Feed($"{_feed}/done", new FeedOptions());

        await AssertCompletedAsync(again);
        Assert.Equal(["1"], await ReadToEndAsync(again, FeedPosition.Earliest));
        Assert.NotNull(await second.Feeds(_feed, new FeedOptions()).FindAsync("done"));

        // With almost nothing in memory, and all keys in one RabbitMQ stream.
        Task<StoreHost> StartAsync() =>
            Server.StartAsync(broker.ConnectionString, options => (options.RecentBytes, options.Partitions) = (0, 1));
    }

    private static async Task AssertCompletedAsync(Feed<string> feed)
    {
        Assert.Empty(await ReadToEndAsync(feed, after: null));
        await Assert.ThrowsAsync<FeedCompletedException>(() => feed.PublishAsync("more").AsTask().WithPatience());
        await feed.CompleteAsync();
    }

    private static async Task<List<string>> ReadToEndAsync(Feed<string> feed, FeedPosition? after)
    {
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        return await feed.ReadAsync(after, deadline.Token).Select(message => message.Value).ToListAsync(deadline.Token);
    }
}

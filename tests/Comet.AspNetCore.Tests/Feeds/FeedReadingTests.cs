using System.Text.Json;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A feed as the app's own code reads it.</summary>
public class FeedReadingTests
{
    [Fact]
    public async Task From_now_on()
    {
        await using var app = await StartAsync();
        await app.PublishAsync("before");
        await using var reader = app.News().ReadAsync().GetAsyncEnumerator();
        var next = reader.MoveNextAsync().AsTask(); // it reads from this call on

        var id = await app.News().PublishAsync("after");

        Assert.True(await next.WithPatience());
        Assert.Equal(new FeedMessage<string>(id, "after"), reader.Current);
    }

    [Fact]
    public async Task From_a_position_on_and_as_it_is_published()
    {
        await using var app = await StartAsync();
        var ids = await app.PublishAsync(Numbers(1, 600));
        var reading = TakeAsync(app, Parse(ids[99]), 900);

        ids.AddRange(await app.PublishAsync(Numbers(601, 1000)));

        var messages = await reading.WithPatience();
        Assert.Equal(Numbers(101, 1000), messages.Select(message => message.Value));
        Assert.Equal(ids[100..], messages.Select(message => message.Position.ToString()));
    }

    [Fact]
    public async Task From_the_earliest_that_is_retained()
    {
        await using var app = await StartAsync(feed: feed => feed.Retain = 5);
        await app.PublishAsync(Numbers(1, 10));

        Assert.Equal(Numbers(6, 10), (await TakeAsync(app, FeedPosition.Earliest, 5).WithPatience()).Select(message => message.Value));
    }

    [Fact]
    public async Task A_position_that_is_lost_is_an_error_which_names_it()
    {
        await using var app = await StartAsync(feed: feed => feed.Retain = 5);
        var ids = await app.PublishAsync(Numbers(1, 10));
        var newest = Parse(ids[9]);

        foreach (var position in new[] { Parse(ids[3]), newest with { Epoch = "another" }, newest with { Offset = newest.Offset + 1 } })
        {
            var error = await Assert.ThrowsAsync<FeedPositionLostException>(() => TakeAsync(app, position, 1).WithPatience());
            Assert.Equal(position, error.Position);
            Assert.Contains(position.ToString(), error.Message);
        }
    }

    [Fact]
    public async Task A_reader_that_is_overtaken_by_retention_learns_where()
    {
        await using var app = await StartAsync(feed: feed => feed.Retain = 5);
        var ids = await app.PublishAsync(Numbers(1, 3));
        await using var reader = app.News().ReadAsync(FeedPosition.Earliest).GetAsyncEnumerator();
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await reader.MoveNextAsync());
        }

        await app.PublishAsync(Numbers(4, 20));

        var error = await Assert.ThrowsAsync<FeedPositionLostException>(async () => await reader.MoveNextAsync());
        Assert.Equal(ids[2], error.Position.ToString());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(300)] // more than a page
    public async Task A_completion_that_only_the_store_knows_is_found_by_who_reads_there(int messages)
    {
        var store = new ScriptedStore().With(messages);
        store.Intrude(Array.Empty<byte>());
        store.Intrude("\"behind it\""u8.ToArray());
        await using var app = await StartAsync(configure: builder => builder.Services.AddSingleton<IFeedStore>(store));

        var texts = await app.News().ReadAsync(FeedPosition.Earliest)
            .Select(message => message.Value)
            .ToListAsync()
            .AsTask()
            .WithPatience();

        Assert.Equal(Numbers(1, messages), texts);
        Assert.Empty(await app.News().ReadAsync().ToListAsync().AsTask().WithPatience());
        await Assert.ThrowsAsync<FeedCompletedException>(async () => await app.News().PublishAsync("more"));
    }

    [Fact]
    public async Task A_source_that_publishes_to_a_completed_feed_ends()
    {
        await using var app = await StartAsync();
        await app.News().CompleteAsync();

        var publishing = app.News().PublishAllAsync(Numbers(1, 3).ToAsyncEnumerable());

        await Assert.ThrowsAsync<FeedCompletedException>(() => publishing.WithPatience());
    }

    [Fact]
    public async Task Cancelling_ends_the_reading()
    {
        await using var app = await StartAsync();
        using var cancel = new CancellationTokenSource();
        await using var reader = app.News().ReadAsync(cancellationToken: cancel.Token).GetAsyncEnumerator();
        var next = reader.MoveNextAsync().AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WithPatience());
    }

    [Fact]
    public async Task A_value_that_cannot_be_encoded_is_an_error_for_its_publisher_only()
    {
        await using var app = await TestApp.StartAsync(_ => { }, builder => builder.Services.AddFeed<Node>("nodes"));
        var nodes = app.Services.GetRequiredService<Feed<Node>>();
        var loop = new Node("loop");
        loop.Next = loop;

        await Assert.ThrowsAsync<JsonException>(async () => await nodes.PublishAsync(loop));
        await nodes.PublishAsync(new Node("fine"));

        var message = await nodes.ReadAsync(FeedPosition.Earliest).FirstAsync().AsTask().WithPatience();
        Assert.Equal("fine", message.Value.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_of_another_type_is_given_as_such_and_the_reader_goes_on(bool isStored)
    {
        var store = new ScriptedStore();
        store.With(isStored ? 300 : 0); // strings
        await using var app = await TestApp.StartAsync(_ => { }, builder =>
        {
            builder.Services.AddFeed<Reading>("readings");
            builder.Services.AddSingleton<IFeedStore>(store);
        });
        var readings = app.Services.GetRequiredService<Feed<Reading>>();
        if (!isStored)
        {
            await readings.PublishAsync(new Reading(0)); // opens the feed
            store.Intrude("\"text\""u8.ToArray());
        }
        var last = await readings.PublishAsync(new Reading(7));

        var messages = await readings.ReadAsync(FeedPosition.Earliest).Take(isStored ? 301 : 3).ToListAsync().AsTask().WithPatience();

        var unreadable = messages[isStored ? 0 : 1];
        var error = Assert.Throws<FeedMessageUnreadableException>(() => unreadable.Value);
        Assert.Same(error, unreadable.Error);
        Assert.Equal(unreadable.Position, error.Position);
        Assert.IsType<JsonException>(error.InnerException);
        Assert.Contains($"The message {error.Position} cannot be read as Reading", error.Message);
        Assert.Equal($"{error.Position}: {error.Message}", unreadable.ToString());
        Assert.Equal(new FeedMessage<Reading>(last, new Reading(7)), messages[^1]);
        Assert.Null(messages[^1].Error);
        Assert.Equal(last, (await readings.ReadAsync(messages[^2].Position).FirstAsync().AsTask().WithPatience()).Position);
    }

    [Fact]
    public async Task The_newest_message_may_be_of_another_type_and_says_so_among_the_others()
    {
        var store = new ScriptedStore();
        await using var app = await TestApp.StartAsync(_ => { }, builder =>
        {
            builder.Services.AddFeed<Reading>("readings");
            builder.Services.AddSingleton<IFeedStore>(store);
        });
        var readings = app.Services.GetRequiredService<Feed<Reading>>();
        var first = await readings.PublishAsync(new Reading(7));
        store.Intrude("\"text\""u8.ToArray());

        var newest = await readings.GetNewestAsync(2).AsTask().WithPatience();

        Assert.Equal(new FeedMessage<Reading>(first, new Reading(7)), newest.Messages[0]);
        var unreadable = newest.Messages[1];
        Assert.Equal(newest.Head, unreadable.Position);
        Assert.Same(unreadable.Error, Assert.Throws<FeedMessageUnreadableException>(() => unreadable.Value));
    }

    private static async Task<List<FeedMessage<string>>> TakeAsync(TestApp app, FeedPosition after, int count) =>
        await app.News().ReadAsync(after).Take(count).ToListAsync();

    private sealed record Reading(int Number);

    private sealed record Node(string Name)
    {
        public Node? Next { get; set; }
    }
}

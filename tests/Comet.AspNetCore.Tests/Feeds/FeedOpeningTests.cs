using System.Collections.Concurrent;
using System.Text.Json;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A feed whose store takes its time to open it.</summary>
public sealed class FeedOpeningTests
{
    [Fact]
    public async Task All_who_wait_for_a_feed_share_one_opening_and_fail_with_it()
    {
        await using var app = new App();

        var publishing = app.PublishMany(20);
        app.Store.Fail(opening: 0);

        foreach (var each in publishing)
        {
            await Assert.ThrowsAsync<FeedUnavailableException>(() => each.WithPatience());
        }
        Assert.Equal(1, app.Store.Openings);
    }

    [Fact]
    public async Task The_next_caller_after_a_failure_tries_anew()
    {
        await using var app = new App();
        var failed = app.PublishMany(2);
        app.Store.Fail(opening: 0);
        await Assert.ThrowsAsync<FeedUnavailableException>(() => Task.WhenAll(failed).WithPatience());

        var publishing = app.PublishMany(2);
        app.Store.Succeed(opening: 1);

        Assert.Equal([1, 2], (await Task.WhenAll(publishing).WithPatience()).Select(position => position.Offset).Order());
        Assert.Equal(2, app.Store.Openings);
    }

    [Fact]
    public async Task A_caller_who_gives_up_leaves_the_opening_to_the_others()
    {
        using var cancellation = new CancellationTokenSource();
        await using var app = new App();
        var impatient = app.Feed.PublishAsync("1", cancellation.Token).AsTask();
        var publishing = app.Feed.PublishAsync("2", TestContext.Current.CancellationToken).AsTask();

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.WithPatience());
        app.Store.Succeed(opening: 0);

        Assert.Equal(1, (await publishing.WithPatience()).Offset);
        Assert.Equal(1, app.Store.Openings);
    }

    [Fact]
    public async Task A_store_that_blocks_before_it_returns_blocks_no_caller()
    {
        using var unblocked = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        await using var app = new App();
        app.Store.BeforeReturning = () => unblocked.Wait(2 * Eventually.Patience);

        var publishing = Enumerable.Range(0, 2)
            .Select(_ => Task.Run(async () => await app.Feed.PublishAsync("1", cancellation.Token), TestContext.Current.CancellationToken))
            .ToList();
        await Eventually.HoldsAsync(() => app.Store.Openings == 1, "the store is asked");
        await cancellation.CancelAsync();

        foreach (var each in publishing)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => each.WithPatience());
        }
        unblocked.Set();
    }

    [Fact]
    public async Task All_who_wait_for_an_opening_under_way_are_told_of_the_end_of_the_app()
    {
        using var cancellation = new CancellationTokenSource();
        List<Task> waiting;
        await using (var app = new App())
        {
            waiting =
            [
                app.Feed.PublishAsync("1", cancellation.Token).AsTask(),
                app.Feed.CompleteAsync(cancellation.Token).AsTask(),
                app.Feed.GetNewestAsync(1, cancellation.Token).AsTask(),
                app.Feed.ReadAsync(null, cancellation.Token).FirstAsync(cancellation.Token).AsTask(),
                app.Feed.PublishAllAsync(AsyncEnumerable.Repeat("1", 1), cancellation.Token),
            ];
        }

        foreach (var each in waiting)
        {
            var exception = await Assert.ThrowsAsync<ObjectDisposedException>(() => each.WithPatience());
            Assert.StartsWith("The app has ended, and its feeds with it.", exception.Message);
        }
    }

    [Fact]
    public async Task The_head_is_earliest_until_the_log_is_open_which_asking_begins()
    {
        await using var app = new App();
        Assert.Equal(FeedPosition.Earliest, app.Feed.Head);
        Assert.Equal(FeedPosition.Earliest, app.Feed.Head);
        await Eventually.HoldsAsync(() => app.Store.Openings == 1, "one opening begins");
        var waiting = app.Feed.GetNewestAsync(0, TestContext.Current.CancellationToken).AsTask();

        app.Store.Succeed(opening: 0);

        var position = (await waiting.WithPatience()).Head;
        Assert.Equal(0, position.Offset);
        Assert.Equal(position, app.Feed.Head);
        Assert.Equal(await app.Feed.PublishAsync("1"), app.Feed.Head);
    }

    [Fact]
    public async Task A_head_that_is_asked_for_while_the_store_is_away_is_earliest()
    {
        await using var app = new App();
        Assert.Equal(FeedPosition.Earliest, app.Feed.Head);
        app.Store.Fail(opening: 0);
        await Eventually.HoldsAsync(() => app.Feed.Head.IsEarliest && app.Store.Openings == 2, "another opening begins");

        app.Store.Succeed(opening: 1);

        await Eventually.HoldsAsync(() => !app.Feed.Head.IsEarliest, "the head is known");
    }

    [Fact]
    public async Task Feeds_in_a_store_are_opened_when_the_app_starts()
    {
        var store = new ScriptedStore().With(5);
        await using var app = await NewsApp.StartAsync(configure: builder =>
        {
            builder.Services.AddSingleton<IFeedStore>(store);
            builder.Services.AddFeed<int>("vitals", feed => feed.InMemory = true);
            builder.Services.AddKeyedFeeds<int>("rooms");
        });

        await Eventually.HoldsAsync(() => app.News().Head.ToString() == store.IdOf(5), "the feed is open");
        Assert.Equal(1, store.Openings);
        Assert.Equal(["4", "5"], (await app.News().GetNewestAsync(2)).Messages.Select(message => message.Value));
    }

    [Fact]
    public async Task A_store_that_is_away_holds_up_no_start()
    {
        var store = new ScriptedStore { IsUnavailable = true };
        await using var app = await NewsApp.StartAsync(configure: builder => builder.Services.AddSingleton<IFeedStore>(store));

        await Eventually.HoldsAsync(() => app.Log.Entries.Any(entry => entry.EventId.Name == "FeedNotOpened"), "the log says why");
        Assert.True(app.News().Head.IsEarliest);
        store.IsUnavailable = false;
        await Eventually.HoldsAsync(() => !app.News().Head.IsEarliest, "the head is known");
    }

    [Fact]
    public async Task A_head_is_good_whatever_is_trimmed_and_wherever_the_end_moves()
    {
        var (store, time) = (new ScriptedStore(), new ManualTime());
        await using var app = await NewsApp.StartAsync(
            feed: feed => feed.RetainFor = TimeSpan.FromMinutes(1),
            configure: builder =>
            {
                builder.Services.AddSingleton<IFeedStore>(store);
                builder.Services.AddSingleton<TimeProvider>(time);
            });
        var id = await app.News().PublishAsync("1");
        Assert.Equal(id, app.News().Head);

        time.Advance(TimeSpan.FromMinutes(2));
        store.Trim(1);
        Assert.Equal(id, app.News().Head);
        store.Advance(id.Offset + 100);
        var moved = app.News().Head;
        Assert.Equal(id with { Offset = id.Offset + 100 }, moved);

        await app.News().PublishAsync("2");
        foreach (var head in (FeedPosition[])[id, moved])
        {
            Assert.Equal("2", (await app.News().ReadAsync(head).FirstAsync().AsTask().WithPatience()).Value);
        }
    }

    private sealed class App : IAsyncDisposable
    {
        private static readonly FeedName Name = new("news");

        private readonly WebApplication _app;

        internal App()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Services.AddComet();
            builder.Services.Replace(ServiceDescriptor.Singleton<IFeedStore>(Store));
            _app = builder.Build();
            var handle = new SingletonFeedHandle(_app.Services.GetRequiredService<FeedRegistry>(), Name, new FeedOptions());
            Feed = new Feed<string>(Name, handle, JsonSerializerOptions.Web);
        }

        internal HeldStore Store { get; } = new();

        internal Feed<string> Feed { get; }

        internal List<Task<FeedPosition>> PublishMany(int count) =>
            [.. Enumerable.Range(0, count).Select(_ => Feed.PublishAsync("1", TestContext.Current.CancellationToken).AsTask())];

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }

    /// <summary>Opens a feed when the test says so.</summary>
    private sealed class HeldStore : IFeedStore
    {
        private readonly MemoryStore _memory = new(TimeProvider.System);
        private readonly ConcurrentDictionary<int, TaskCompletionSource> _openings = new();
        private int _count;

        internal int Openings => _count;

        public bool CanReadBack => true;

        /// <summary>Runs in the call, before it returns a task.</summary>
        internal Action BeforeReturning { get; set; } = () => { };

        internal void Succeed(int opening) => Opening(opening).SetResult();

        internal void Fail(int opening) => Opening(opening).SetException(new FeedUnavailableException("Nobody listens."));

        public async ValueTask<IFeedLog> OpenAsync(
            FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
        {
            var opening = Opening(Interlocked.Increment(ref _count) - 1);
            BeforeReturning();
            await opening.Task.WaitAsync(cancellationToken);
            return await _memory.OpenAsync(feed, retention, tail, cancellationToken);
        }

        public ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken) => new(false);

        private TaskCompletionSource Opening(int number) =>
            _openings.GetOrAdd(number, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}

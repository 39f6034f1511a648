using System.Collections.Concurrent;
using System.Text.Json;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
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
        app.Store.BeforeReturning = () => unblocked.Wait(Eventually.Patience);

        var publishing = Enumerable.Range(0, 2)
            .Select(_ => Task.Run(async () => await app.Feed.PublishAsync("1", cancellation.Token), TestContext.Current.CancellationToken))
            .ToList();
        await Eventually.HoldsAsync(() => app.Store.Openings == 1, "the store is asked");
        await cancellation.CancelAsync();

        foreach (var each in publishing)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => each.WaitAsync(TimeSpan.FromSeconds(10)));
        }
        unblocked.Set();
    }

    [Fact]
    public async Task An_opening_under_way_ends_with_the_app()
    {
        Task publishing;
        await using (var app = new App())
        {
            publishing = app.Feed.PublishAsync("1", TestContext.Current.CancellationToken).AsTask();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing.WithPatience());
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

        private TaskCompletionSource Opening(int number) =>
            _openings.GetOrAdd(number, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}

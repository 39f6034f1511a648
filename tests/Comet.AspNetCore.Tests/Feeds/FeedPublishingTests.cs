using System.Runtime.CompilerServices;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A sequence that a background service publishes: neither the store nor a value stops it, or the app.</summary>
public class FeedPublishingTests
{
    private readonly ScriptedStore _store = new();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task An_outage_of_the_store_delays_a_sequence_and_loses_nothing()
    {
        await using var app = await StartAsync();
        var feed = app.Services.GetRequiredService<Feed<Reading>>();
        _store.IsUnavailable = true;
        using var end = new CancellationTokenSource();

        var publishing = feed.PublishAllAsync(Readings(1, 2, 3), end.Token);
        await Eventually.HoldsAsync(() => Events(app).Length > 0, "the outage is logged");
        for (var attempt = 0; attempt < 10; attempt++)
        {
            _time.Advance(TimeSpan.FromSeconds(5)); // retries
        }
        Assert.False(publishing.IsCompleted);
        _store.IsUnavailable = false;
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(5));
                return publishing.IsCompleted;
            },
            "the sequence is published");

        await publishing;
        Assert.Equal(["PublishingWaits", "PublishingResumed"], Events(app));
        var messages = await feed.ReadAsync(FeedPosition.Earliest).Take(3).ToListAsync().AsTask().WithPatience();
        Assert.Equal([1, 2, 3], messages.Select(message => message.Value.Number));
        Assert.Equal(3 * ScriptedStore.Step, _store.Head);
    }

    [Fact]
    public async Task A_value_that_cannot_be_published_is_left_out_and_told_once()
    {
        await using var app = await StartAsync();
        var feed = app.Services.GetRequiredService<Feed<Reading>>();
        Reading loop = new(2);
        loop.Next = loop;
        Reading large = new(3) { Text = new string('x', 2000) };

        await feed.PublishAllAsync(new[] { new(1), loop, large, new(4), loop }.ToAsyncEnumerable()).WithPatience();

        Assert.Equal(["ValueRejected", "ValueRejected"], Events(app)); // before and after 4
        var messages = await feed.ReadAsync(FeedPosition.Earliest).Take(2).ToListAsync().AsTask().WithPatience();
        Assert.Equal([1, 4], messages.Select(message => message.Value.Number));
    }

    [Fact]
    public async Task Cancelling_ends_it_also_while_the_store_is_away()
    {
        await using var app = await StartAsync();
        _store.IsUnavailable = true;
        using var end = new CancellationTokenSource();
        var publishing = app.Services.GetRequiredService<Feed<Reading>>().PublishAllAsync(Readings(1), end.Token);
        await Eventually.HoldsAsync(() => Events(app).Length > 0, "the outage is logged");

        await end.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing.WithPatience());
    }

    [Fact]
    public async Task What_the_sequence_throws_is_its_callers()
    {
        await using var app = await StartAsync();
        var feed = app.Services.GetRequiredService<Feed<Reading>>();

        await Assert.ThrowsAsync<FormatException>(() => feed.PublishAllAsync(Failing()).WithPatience());

        static async IAsyncEnumerable<Reading> Failing([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            yield return new(1);
            await Task.Yield();
            throw new FormatException();
        }
    }

    private Task<TestApp> StartAsync() => TestApp.StartAsync(_ => { }, builder =>
    {
        builder.Services.AddFeed<Reading>("readings", feed => feed.RetainBytes = 1024);
        builder.Services.AddSingleton<IFeedStore>(_store);
        builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time));
    });

    private static IAsyncEnumerable<Reading> Readings(params int[] numbers) =>
        numbers.Select(number => new Reading(number)).ToAsyncEnumerable();

    private static string[] Events(TestApp app) =>
        [.. app.Log.Entries
            .Select(entry => entry.EventId.Name ?? "")
            .Where(name => name is "PublishingWaits" or "PublishingResumed" or "ValueRejected")];

    private sealed record Reading(int Number)
    {
        public string? Text { get; init; }

        public Reading? Next { get; set; }
    }
}

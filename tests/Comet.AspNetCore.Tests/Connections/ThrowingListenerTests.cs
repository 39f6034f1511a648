using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>
/// Listeners of activities and meters are the app's, and may throw: the request fails, and its stream leaves nothing behind.
/// </summary>
public class ThrowingListenerTests
{
    private const string Feed = "throwing";

    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_listener_of_activities()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Comet.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = activity => ThrowIf(activity.OperationName == $"stream {Feed}"),
        };
        ActivitySource.AddActivityListener(listener);

        await FailThenServeAsync(listener);
    }

    [Fact]
    public async Task A_listener_of_meters()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "comet.stream.active")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => ThrowIf(tags.ToArray().Any(tag => Equals(tag.Value, Feed))));
        listener.Start();

        await FailThenServeAsync(listener);
    }

    private async Task FailThenServeAsync(IDisposable listener)
    {
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", (KeyedFeeds<string> feeds) => CometResults.Feed(feeds.Get("1"), "parent.f")),
            builder =>
            {
                builder.Services.AddKeyedFeeds<string>(Feed).AddSingleton<TimeProvider>(_time);
                builder.Configuration["Comet:MaxStreams"] = "1";
            });
        using (listener)
        {
            using var failed = await app.GetAsync("/");
            Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        }

        Assert.Equal(0, app.OpenStreams);
        await using (var served = await app.OpenAsync("/"))
        {
            await served.NextAsync(CometMessageKind.Open);
        }
        await app.NoStreamIsOpenAsync();
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(5)); // unused for one sweep, a feed leaves with the next
                return app.Services.GetRequiredService<FeedRegistry>().Count == 0;
            },
            "the feed is used by nobody");
    }

    private static void ThrowIf(bool condition)
    {
        if (condition)
        {
            throw new InvalidTimeZoneException("The listener fails.");
        }
    }
}

using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>One of several servers that share a broker.</summary>
internal static class Server
{
    internal static readonly FeedRetention Plenty = new(1_000_000, 1L << 30, TimeSpan.FromDays(1));

    /// <summary>The timeout of what has to fail. What has to succeed has <see cref="Eventually.Patience"/>.</summary>
    internal static readonly TimeSpan Brief = TimeSpan.FromSeconds(2);

    internal static Task<StoreHost> StartAsync(string connectionString, Action<RabbitMQStoreOptions>? configure = null) =>
        StoreHost.StartAsync(builder => builder.AddPatientRabbitMQ(connectionString, configure));

    /// <summary>
    /// Adds the store with a timeout that a loaded machine keeps, too; the product's own is for those who wait for an answer.
    /// </summary>
    internal static void AddPatientRabbitMQ(
        this WebApplicationBuilder builder, string connectionString, Action<RabbitMQStoreOptions>? configure = null) =>
        builder.Services.AddCometRabbitMQ(options =>
        {
            (options.ConnectionString, options.Timeout) = (connectionString, Eventually.Patience);
            configure?.Invoke(options);
        });

    /// <summary>What is begun from now on may take this long; connections keep the timeout that they began with.</summary>
    internal static void SetTimeout(this StoreHost server, TimeSpan timeout) =>
        server.Services.GetRequiredService<IOptions<RabbitMQStoreOptions>>().Value.Timeout = timeout;

    internal static Task<IFeedLog> OpenAsync(this StoreHost server, string feed, IFeedTail tail, FeedRetention? retention = null) =>
        server.Store.OpenAsync(FeedName.Parse(feed), retention ?? Plenty, tail, TestContext.Current.CancellationToken)
            .AsTask()
            .WithPatience();

    internal static Task<FeedPosition> AppendAsync(this IFeedLog log, string json) =>
        log.AppendAsync(Payloads.Of(json), TestContext.Current.CancellationToken).AsTask().WithPatience();

    internal static async Task<HealthStatus> ReadinessAsync(this StoreHost server)
    {
        var health = server.Services.GetRequiredService<HealthCheckService>();
        return (await health.CheckHealthAsync(check => check.Tags.Contains("ready"), TestContext.Current.CancellationToken)).Status;
    }

    internal static async Task BecomesAsync(this StoreHost server, HealthStatus status)
    {
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        while (await server.ReadinessAsync() != status)
        {
            Assert.False(deadline.IsCancellationRequested, $"The server never became {status}.");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    internal static string NewName() => "feed-" + Guid.NewGuid().ToString("N");
}

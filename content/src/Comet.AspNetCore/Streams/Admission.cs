using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Streams;

/// <summary>How many streams may be open: in all, per user, per address; and how many may open per second.</summary>
internal sealed class Admission : IDisposable
{
    private static readonly object Unlimited = new();

    private readonly PartitionedRateLimiter<HttpContext>? _perUser;
    private readonly PartitionedRateLimiter<HttpContext>? _perAddress;
    private readonly RateLimiter? _connects;
    private readonly RateLimiter? _total;
    private readonly TimeSpan _retryAfter;

    public Admission(IOptions<CometServerOptions> options)
    {
        var limits = options.Value;
        _retryAfter = limits.ReconnectSpread;
        _perUser = limits.MaxStreamsPerUser is { } perUser ? Concurrency(perUser, UserOf) : null;
        _perAddress = limits.MaxStreamsPerAddress is { } perAddress ? Concurrency(perAddress, context => context.Connection.RemoteIpAddress) : null;
        _connects = limits.MaxConnectsPerSecond is { } perSecond
            ? new TokenBucketRateLimiter(new()
            {
                TokenLimit = perSecond * 2,
                TokensPerPeriod = perSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            })
            : null;
        _total = limits.MaxStreams is { } total ? new ConcurrencyLimiter(new() { PermitLimit = total }) : null;
    }

    /// <summary>Why the stream may not open, or null and the leases that it holds as long as it is open.</summary>
    internal Refusal? TryEnter(HttpContext context, out RateLimitLease[] leases)
    {
        List<RateLimitLease>? taken = null;
        var refusal =
            !Take(_perAddress?.AttemptAcquire(context)) || !Take(_perUser?.AttemptAcquire(context)) ? Refusal.TooMany(Jitter())
            : !Take(_total?.AttemptAcquire()) || !Take(_connects?.AttemptAcquire()) ? Refusal.Full(Jitter())
            : null;
        if (refusal is not null)
        {
            taken?.ForEach(lease => lease.Dispose());
            taken = null;
        }
        leases = taken is null ? [] : [.. taken];
        return refusal;

        bool Take(RateLimitLease? lease)
        {
            if (lease is null)
            {
                return true;
            }
            (taken ??= []).Add(lease);
            return lease.IsAcquired;
        }
    }

    public void Dispose()
    {
        _perUser?.Dispose();
        _perAddress?.Dispose();
        _connects?.Dispose();
        _total?.Dispose();
    }

    private TimeSpan Jitter() => TimeSpan.FromSeconds(1) + (_retryAfter * Random.Shared.NextDouble());

    private static string? UserOf(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true } identity
            ? context.User.FindFirstValue(ClaimTypes.NameIdentifier) ?? identity.Name
            : null;

    private static PartitionedRateLimiter<HttpContext> Concurrency(int limit, Func<HttpContext, object?> keyOf) =>
        PartitionedRateLimiter.Create<HttpContext, object>(context => keyOf(context) is { } key
            ? RateLimitPartition.GetConcurrencyLimiter(key, _ => new() { PermitLimit = limit })
            : RateLimitPartition.GetNoLimiter<object>(Unlimited));
}

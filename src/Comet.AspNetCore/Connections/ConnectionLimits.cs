using System.Net;
using System.Net.Sockets;
using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>How many streams may be open: in all, per user, per address.</summary>
internal sealed class ConnectionLimits : IDisposable
{
    private static readonly object Unlimited = new();

    private readonly OpenStreams _open;
    private readonly int _most;
    private readonly PartitionedRateLimiter<HttpContext>? _perUser;
    private readonly PartitionedRateLimiter<HttpContext>? _perAddress;
    private readonly TimeSpan _retryAfter;

    public ConnectionLimits(IOptions<CometOptions> options, OpenStreams open)
    {
        var limits = options.Value;
        _open = open;
        _most = limits.MaxStreams ?? int.MaxValue;
        _retryAfter = limits.ReconnectSpread;
        _perUser = limits.MaxStreamsPerUser is { } perUser ? Concurrency(perUser, UserOf) : null;
        _perAddress = limits.MaxStreamsPerAddress is { } perAddress ? Concurrency(perAddress, AddressOf) : null;
    }

    /// <summary>Why the stream may not open, or null and its place among the open ones.</summary>
    internal Rejection? TryEnter(HttpContext context, out ConnectionLease? permit)
    {
        permit = null;
        RateLimitLease? ofUser = null;
        var refusal =
            !Take(_perAddress, context, out var ofAddress) || !Take(_perUser, context, out ofUser) ? Rejection.TooMany(Jitter())
            : !_open.TryAdd(_most) ? Rejection.Full(Jitter())
            : null;
        if (refusal is null)
        {
            permit = new ConnectionLease(_open, ofAddress, ofUser);
        }
        else
        {
            ofAddress?.Dispose();
            ofUser?.Dispose();
        }
        return refusal;
    }

    public void Dispose()
    {
        _perUser?.Dispose();
        _perAddress?.Dispose();
    }

    private static bool Take(PartitionedRateLimiter<HttpContext>? limiter, HttpContext context, out RateLimitLease? lease)
    {
        lease = limiter?.AttemptAcquire(context);
        return lease is not { IsAcquired: false };
    }

    private TimeSpan Jitter() => TimeSpan.FromSeconds(1) + (_retryAfter * Random.Shared.NextDouble());

    // Features, and not context.User and context.Connection, as those make objects that stay as long as the stream.
    private static string? UserOf(HttpContext context) =>
        context.Features.Get<IHttpAuthenticationFeature>()?.User is { Identity.IsAuthenticated: true } user
            ? user.FindFirstValue(ClaimTypes.NameIdentifier) ?? user.FindFirstValue("sub") ?? user.Identity.Name
            : null;

    private static IPAddress? AddressOf(HttpContext context)
    {
        var address = context.Features.Get<IHttpConnectionFeature>()?.RemoteIpAddress;
        return address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } ? NetworkOf(address) : address;
    }

    // A subscriber of an IPv6 network has 2^64 addresses, and counts as one.
    private static IPAddress NetworkOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }

    private static PartitionedRateLimiter<HttpContext> Concurrency(int limit, Func<HttpContext, object?> keyOf) =>
        PartitionedRateLimiter.Create<HttpContext, object>(context => keyOf(context) is { } key
            ? RateLimitPartition.GetConcurrencyLimiter(key, _ => new() { PermitLimit = limit })
            : RateLimitPartition.GetNoLimiter<object>(Unlimited));
}

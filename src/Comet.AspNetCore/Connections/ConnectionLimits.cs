using System.Net;
using System.Net.Sockets;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>How many streams may be open: in all, per user, and per address.</summary>
internal sealed class ConnectionLimits(IOptions<CometOptions> options, OpenStreams open, ReconnectDelay delay)
{
    private readonly int _max = options.Value.MaxStreams ?? int.MaxValue;
    private readonly StreamsByKey? _perUser = options.Value.MaxStreamsPerUser is { } max ? new StreamsByKey(max) : null;
    private readonly StreamsByKey? _perAddress = options.Value.MaxStreamsPerAddress is { } max ? new StreamsByKey(max) : null;

    /// <summary>Takes a place among the open streams for a request.</summary>
    /// <returns>Why there is none; null: the lease is the request's.</returns>
    internal Rejection? TryAcquire(HttpContext context, out ConnectionLease? lease)
    {
        lease = null;
        var address = _perAddress is null ? null : AddressOf(context);
        var user = _perUser is null ? null : UserOf(context);
        if (address is not null && !_perAddress!.TryAdd(address))
        {
            return Rejection.TooMany(delay.Next());
        }
        if (user is not null && !_perUser!.TryAdd(user))
        {
            Release(_perAddress, address);
            return Rejection.TooMany(delay.Next());
        }
        if (!open.TryAdd(_max))
        {
            Release(_perUser, user);
            Release(_perAddress, address);
            return Rejection.Full(delay.Next());
        }
        lease = new ConnectionLease(this, address, user);
        return null;
    }

    /// <summary>Gives back the place of a lease, which calls this.</summary>
    internal void Release(object? address, object? user)
    {
        open.Remove();
        Release(_perUser, user);
        Release(_perAddress, address);
    }

    private static void Release(StreamsByKey? streams, object? key)
    {
        if (key is not null)
        {
            streams!.Remove(key);
        }
    }

    // Read from features: context.User and context.Connection make objects that stay as long as the stream.
    private static string? UserOf(HttpContext context) =>
        context.Features.Get<IHttpAuthenticationFeature>()?.User is { Identity.IsAuthenticated: true } user
            ? user.FindFirstValue(ClaimTypes.NameIdentifier) ?? user.FindFirstValue("sub") ?? user.Identity.Name
            : null;

    private static IPAddress? AddressOf(HttpContext context)
    {
        var address = context.Features.Get<IHttpConnectionFeature>()?.RemoteIpAddress;
        return address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } ? NetworkOf(address) : address;
    }

    // An IPv6 subscriber has a network of 2^64 addresses, which counts as one address.
    private static IPAddress NetworkOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}

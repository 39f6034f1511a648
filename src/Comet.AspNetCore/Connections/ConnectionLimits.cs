using System.Net;
using System.Net.Sockets;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// How many streams may be open: in all, per signed-in user, and of others per address and per network. A user is counted as the user
/// only, as many may share an address.
/// </summary>
internal sealed class ConnectionLimits(IOptions<CometOptions> options, OpenStreams open, ReconnectDelay delay)
{
    // An IPv6 subscriber has a network of 64 bits at least, which counts as one address.
    private const int AddressBits = 64;

    // What one site or one rented block has: an IPv6 /48, an IPv4 /24.
    private const int NetworkBits = 48;
    private const int IPv4NetworkBits = 24;
    private const int NetworkShare = 4;

    private readonly int _max = options.Value.MaxStreams ?? int.MaxValue;
    private readonly StreamsByKey<string>? _perUser = options.Value.MaxStreamsPerUser is { } max ? new(max) : null;
    private readonly StreamsByKey<IPAddress>? _perAddress = options.Value.MaxStreamsPerAddress is { } max ? new(max) : null;

    // All addresses of a network together leave room for the others.
    private readonly StreamsByKey<IPAddress>? _perNetwork =
        options.Value is { MaxStreamsPerAddress: { } perAddress, MaxStreams: { } inAll }
            ? new(Math.Max(perAddress, inAll / NetworkShare))
            : null;

    /// <summary>Takes a place among the open streams for a request.</summary>
    /// <returns>Why there is none; null: the lease is the request's.</returns>
    internal Rejection? TryAcquire(HttpContext context, out ConnectionLease? lease)
    {
        lease = null;
        var holder = HolderOf(context);
        if (!TryAdd(holder))
        {
            return Rejection.TooMany(delay.Next());
        }
        if (!open.TryAdd(_max))
        {
            Remove(holder);
            return Rejection.Full(delay.Next());
        }
        lease = new ConnectionLease(this) { Holder = holder };
        return null;
    }

    /// <summary>Counts a lease for whom the request is by now, as a feed's policy may have found another user.</summary>
    /// <returns>Why there is no place; null: there is.</returns>
    internal Rejection? TryMove(HttpContext context, ConnectionLease lease)
    {
        var holder = HolderOf(context);
        if (!Equals(holder, lease.Holder))
        {
            if (!TryAdd(holder))
            {
                return Rejection.TooMany(delay.Next());
            }
            Remove(lease.Holder);
            lease.Holder = holder;
        }
        return null;
    }

    /// <summary>Gives back the place of a lease, which calls this.</summary>
    internal void Release(object? holder)
    {
        open.Remove();
        Remove(holder);
    }

    private object? HolderOf(HttpContext context) =>
        UserOf(context) is { } user ? (_perUser is null ? null : user) : _perAddress is null ? null : AddressOf(context);

    private bool TryAdd(object? holder)
    {
        switch (holder)
        {
            case string user:
                return _perUser!.TryAdd(user);
            case IPAddress address when !_perAddress!.TryAdd(address):
                return false;
            case IPAddress address when _perNetwork?.TryAdd(NetworkOf(address)) == false:
                _perAddress!.Remove(address);
                return false;
            default:
                return true;
        }
    }

    private void Remove(object? holder)
    {
        switch (holder)
        {
            case string user:
                _perUser!.Remove(user);
                break;
            case IPAddress address:
                _perNetwork?.Remove(NetworkOf(address));
                _perAddress!.Remove(address);
                break;
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
        return address is not { AddressFamily: AddressFamily.InterNetworkV6 } ? address
            : address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
            : Masked(address, AddressBits);
    }

    private static IPAddress NetworkOf(IPAddress address) =>
        Masked(address, address.AddressFamily == AddressFamily.InterNetwork ? IPv4NetworkBits : NetworkBits);

    private static IPAddress Masked(IPAddress address, int bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        bytes[(bits / 8)..].Clear();
        return new IPAddress(bytes[..length]);
    }
}

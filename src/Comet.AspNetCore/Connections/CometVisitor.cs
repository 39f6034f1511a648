using System.Net;
using System.Net.Sockets;
using System.Security.Claims;
using Comet.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;

namespace Comet.AspNetCore;

/// <summary>
/// Who sends a request, as <see cref="CometOptions.MaxStreamsPerUser"/> and <see cref="CometOptions.MaxStreamsPerAddress"/> count: the
/// signed-in user, or else the address. Limits of an app's own, such as a rate limit, count alike with it as their key.
/// </summary>
/// <param name="User">
/// The user's claim <see cref="ClaimTypes.NameIdentifier"/>, or else <c>sub</c>, or else the name; null: nobody is signed in, or the user
/// has none of them.
/// </param>
/// <param name="Address">
/// The address of the connection where <paramref name="User"/> is null: IPv4, also when it is mapped to IPv6, or the first 64 bits of
/// IPv6, which one subscriber has at least; null: it has none.
/// </param>
public readonly record struct CometVisitor(string? User, IPAddress? Address)
{
    private const int AddressBits = 64;

    /// <summary>Who sends a request. Call it after <c>UseAuthentication</c>, and behind a proxy after <c>UseForwardedHeaders</c>.</summary>
    /// <param name="context">The request.</param>
    public static CometVisitor Of(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return UserOf(context.Features) is { } user ? new(user, null) : new(null, AddressOf(context.Features));
    }

    // Read from features: context.User and context.Connection make objects that stay as long as a stream.
    private static string? UserOf(IFeatureCollection features) =>
        features.Get<IHttpAuthenticationFeature>()?.User is { Identity.IsAuthenticated: true } user
            ? user.FindFirstValue(ClaimTypes.NameIdentifier) ?? user.FindFirstValue("sub") ?? user.Identity.Name
            : null;

    private static IPAddress? AddressOf(IFeatureCollection features)
    {
        var address = features.Get<IHttpConnectionFeature>()?.RemoteIpAddress;
        return address is not { AddressFamily: AddressFamily.InterNetworkV6 } ? address
            : address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
            : address.Masked(AddressBits);
    }
}

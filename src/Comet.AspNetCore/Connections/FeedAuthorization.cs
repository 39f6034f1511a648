using System.Security.Claims;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// Asks the app's authorization policies whether a user may read feeds, each for itself: a policy may have a scheme of its own, as in the
/// authorization middleware, and then another user.
/// </summary>
internal sealed class FeedAuthorization(HttpContext context)
{
    private readonly ClaimsPrincipal _user = context.User;
    private readonly AuthenticateResult? _result = ResultOf(context);
    private (ClaimsPrincipal User, AuthenticateResult? Result)? _allowed;

    /// <summary>Whether a policy has a scheme of its own, and so maybe another user than the request.</summary>
    /// <inheritdoc cref="PolicyAsync" path="/exception"/>
    internal static async ValueTask<bool> HasSchemeAsync(HttpContext context, string name) =>
        (await PolicyAsync(context, name)).AuthenticationSchemes.Count > 0;

    /// <summary>Asks one policy about one feed.</summary>
    /// <param name="name">The policy's name.</param>
    /// <param name="feed">The resource that the policy is asked about.</param>
    /// <returns>Why the user may not; null: the user may.</returns>
    /// <exception cref="InvalidOperationException">There is no such policy.</exception>
    internal async ValueTask<Rejection?> AuthorizeAsync(string name, FeedName feed)
    {
        var policy = await PolicyAsync(context, name);
        SetUser(_user, _result);
        var evaluator = context.RequestServices.GetRequiredService<IPolicyEvaluator>();
        var authentication = await evaluator.AuthenticateAsync(policy, context);
        var result = await evaluator.AuthorizeAsync(policy, authentication, context, feed);
        if (!result.Succeeded)
        {
            return result.Challenged ? Rejection.NotSignedIn : Rejection.NotAllowed;
        }
        var now = authentication.Succeeded ? authentication : ResultOf(context);
        if (_allowed is not var (_, earlier) || ExpiryOf(now) < ExpiryOf(earlier))
        {
            _allowed = (context.User, now);
        }
        return null;
    }

    /// <summary>Leaves the request to the user whose sign-in expires first of those who may read, which ends the stream.</summary>
    internal void SetUser()
    {
        var (user, result) = _allowed ?? (_user, _result);
        SetUser(user, result);
    }

    /// <exception cref="InvalidOperationException">There is no such policy.</exception>
    private static async ValueTask<AuthorizationPolicy> PolicyAsync(HttpContext context, string name) =>
        await context.RequestServices.GetRequiredService<IAuthorizationPolicyProvider>().GetPolicyAsync(name) ??
        throw new InvalidOperationException($"There is no authorization policy named {name}.");

    private void SetUser(ClaimsPrincipal user, AuthenticateResult? result)
    {
        context.User = user; // which forgets the result
        context.Features.Set<IAuthenticateResultFeature>(new Authentication(result));
    }

    private static AuthenticateResult? ResultOf(HttpContext context) =>
        context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult;

    private static DateTimeOffset ExpiryOf(AuthenticateResult? result) => result?.Properties?.ExpiresUtc ?? DateTimeOffset.MaxValue;

    private sealed class Authentication(AuthenticateResult? result) : IAuthenticateResultFeature
    {
        public AuthenticateResult? AuthenticateResult { get; set; } = result;
    }
}

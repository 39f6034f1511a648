using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Options;

internal sealed class FeedOptionsValidator(IServiceProvider services) : IValidateOptions<FeedOptions>
{
    public ValidateOptionsResult Validate(string? name, FeedOptions options)
    {
        var errors = new List<string>();
        if (options.Retain is < 1 or > 10_000_000)
        {
            errors.Add($"Comet:Feeds:{name}:Retain is {options.Retain}; it must be 1 to 10000000 messages.");
        }
        if (options.RetainBytes is < 1024 or > 1L << 40)
        {
            errors.Add($"Comet:Feeds:{name}:RetainBytes is {options.RetainBytes}; it must be 1024 bytes to 1 TiB.");
        }
        if (options.RetainFor < TimeSpan.FromSeconds(1) || options.RetainFor > TimeSpan.FromDays(3650))
        {
            errors.Add($"Comet:Feeds:{name}:RetainFor is {options.RetainFor}; it must be 00:00:01 to 3650.00:00:00.");
        }
        if (!Enum.IsDefined(options.WhenSlow))
        {
            errors.Add($"Comet:Feeds:{name}:WhenSlow must be End, Latest or Skip.");
        }
        if (options.AuthorizationPolicy is { } policy && !Exists(policy))
        {
            errors.Add($"Comet:Feeds:{name}:AuthorizationPolicy is {policy}; there is no such policy. Add it with AddAuthorizationBuilder().AddPolicy(...).");
        }
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    // This runs once, at start, where waiting for a provider of the app's own is all right.
    private bool Exists(string policy) =>
        services.GetService<IAuthorizationPolicyProvider>()?.GetPolicyAsync(policy).GetAwaiter().GetResult() is not null;
}

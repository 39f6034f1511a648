using System.Diagnostics.CodeAnalysis;
using Comet.AspNetCore.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Stores;

/// <summary>Registers what a store needs; for its author.</summary>
public static class CometStoreServiceCollectionExtensions
{
    /// <summary>
    /// Adds the options of a store. Code gives the defaults; the section <c>Comet:&lt;section&gt;</c> of the configuration has the last
    /// word, whatever the order and the number of calls. They are read and checked once, at start: a value that cannot be read, or that an
    /// <see cref="IValidateOptions{TOptions}"/> refuses, stops the app; a key that is no setting is warned of.
    /// </summary>
    /// <typeparam name="TOptions">
    /// Its settings are the public properties that can be set and are a <see cref="string"/>, <see cref="bool"/>, <see cref="int"/>,
    /// <see cref="long"/>, <see cref="TimeSpan"/>, an enumeration, or the nullable type of one; others are for code only. <c>null</c> and
    /// an empty value mean null for nullable types, and for a string with <c>[DefaultValue(null)]</c>; for all others they are refused.
    /// </typeparam>
    /// <param name="services">The app's services.</param>
    /// <param name="section">The section's name under <c>Comet</c>.</param>
    /// <param name="configure">Sets defaults, or null.</param>
    /// <returns>For more of the options, such as <c>PostConfigure</c> for what is somewhere else in the configuration.</returns>
    /// <exception cref="ArgumentException"><paramref name="section"/> is empty.</exception>
    public static OptionsBuilder<TOptions> AddCometStoreOptions<[DynamicallyAccessedMembers(SettingsSection.Members)] TOptions>(
        this IServiceCollection services, string section, Action<TOptions>? configure = null)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(section);
        return SettingsSection.AddTo(services, name: null, $"Comet:{section}", configure);
    }
}
